package spec

import (
	"fmt"

	"mainstay/schema"
	"mainstay/spec/endpoint"
	"mainstay/spec/floating"
)

// floating checks an address that moves, also against the nodes' own: to take one of
// those away would cut the node off.
func (v *values) floating(p schema.Path, a *floating.Address) {
	if a == nil {
		return
	}
	for _, found := range a.Problems() {
		if !hasTemplate(found.Text) {
			v.say(RuleAddress, p.Key(found.Key), found.Message, found.Hint)
		}
	}
	same, role := a.Same(), p[:2].String()
	if owner := v.floats[same]; owner != "" && owner != role {
		v.say(RuleSameAddress, p.Key("ip"), fmt.Sprintf("%s is an address of %s already", a.IP, owner), "two roles serve at the same time: give each its own address")
	} else if same != "" {
		v.floats[same] = role
	}
	for _, name := range v.d.NodeNames() {
		if same != "" && endpoint.Plain(v.d.Nodes[name].Address) == same {
			v.say(RuleSameAddress, p.Key("ip"), fmt.Sprintf("%s is the address of %s already", a.IP, name),
				"a floating address is one that no node has by itself: to stop the service takes it away")
			return
		}
	}
}

// floatingShared refuses an address in a role whose nodes all serve at a time.
func (l *loader) floatingShared(p schema.Path, r Role) {
	for i, s := range r.Services {
		if s.Address != nil {
			l.say(RuleFloatingShared, p.Index(i).Key("address"), "every node of a shared role would have it at the same time",
				"a floating address belongs to an exclusive role")
		}
	}
}
