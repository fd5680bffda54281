package monitoring

import (
	"fmt"
	"strings"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/conditions"
)

const (
	chosen = `deployment=~"$deployment"`
	known  = `mainstay_node_info{` + chosen + `}`
	// byNode is a metric of an agent with what its node is, and wasNode of one that is
	// silent, with what it was called.
	byNode  = ` * on (instance, job) group_left (deployment, node, role, side) ` + known
	bySide  = ` * on (instance, job) group_left (deployment, node, role, side) mainstay_node_info{side!="",` + chosen + `}`
	wasNode = ` * on (instance, job) group_left (deployment, node, role, side) topk by (instance, job) (1, last_over_time(` + known + `[1d]))`
	// serving is of a node that serves or should: one whose service does not answer is
	// Activating.
	serving = ` and on (instance, job) mainstay_status{status=~"Active|Activating|Failed"} == 1`
	silent  = `(up{job="mainstay"} == 0)`
	of      = "{{deployment}} {{node}}"
)

// state is a status with its number on the dashboard and its colour.
type state struct {
	status plan.Status
	colour string
}

// states are in the order of their numbers, from 1.
func states() []state {
	return []state{
		{plan.Active, "green"}, {plan.Inactive, "blue"}, {plan.Activating, "super-light-yellow"}, {plan.Deactivating, "yellow"},
		{plan.Held, "orange"}, {plan.Failed, "red"}, {plan.Paused, "purple"}, {plan.Unknown, "dark-orange"},
	}
}

const notObserved, grey = "not observed", "#8e8e8e"

// statusOf is the number of a node's status, and -1 when its agent is silent.
func statusOf() string {
	var list []string
	for i, s := range states() {
		list = append(list, fmt.Sprintf("%d * mainstay_status{status=%q}", i+1, s.status))
	}
	return fmt.Sprintf("max by (deployment, node, role, side) (sum by (instance, job) (%s)%s or (%s - 1)%s)", strings.Join(list, " or "), byNode, silent, wasNode)
}

func statusWords() []any {
	list := []word{{"-1", notObserved, grey}}
	for i, s := range states() {
		list = append(list, word{fmt.Sprint(i + 1), string(s.status), s.colour})
	}
	return words(list...)
}

// servingOf is, for each role with sides, 1 when main says that it is Active and 2 when
// standby does, 4 more while a node comes up or goes down, and -1 when nobody is observed.
func servingOf() string {
	const sided = `mainstay_node_info{side!="",` + chosen + `}`
	some := func(of string) string { return "(max by (deployment, role) (" + of + ")" }
	on := func(status, side string) string {
		return some(`mainstay_status{status=~"`+status+`"} * on (instance, job) group_left (deployment, role) mainstay_node_info{`+side+`,`+chosen+`}`) +
			" or 0 * max by (deployment, role) (" + sided + "))"
	}
	return on("Active", `side="main"`) + " + 2 * " + on("Active", `side="standby"`) + " + 4 * " + on("Activating|Deactivating", `side!=""`) +
		" or 0 * max by (deployment, role) (last_over_time(" + sided + "[1d])) - 1"
}

func servingWords() []any {
	return words(word{"-1", notObserved, grey}, word{"0", "nobody seen", "red"}, word{"1", "main", "green"}, word{"2", "standby", "green"},
		word{"3", "BOTH SIDES", "red"}, word{"4", "not all up", "orange"}, word{"5", "main, changing", "yellow"},
		word{"6", "standby, changing", "yellow"}, word{"7", "BOTH SIDES", "red"})
}

// meaning and action are what the registry says of each condition.
func meaning() (means, do []any) {
	var a, b []word
	for _, c := range conditions.All() {
		a, b = append(a, word{value: c.Type, text: c.Meaning}), append(b, word{value: c.Type, text: c.Do})
	}
	return words(a...), words(b...)
}

// actions are what to do when a rule fires.
func actions() []any {
	var list []word
	for _, r := range rules() {
		list = append(list, word{value: r.name, text: r.action})
	}
	return words(list...)
}

// alertsOf are the alerts of this pack with the moment since which each waits or fires. One
// of a silent agent names no node: it is called as the agent called itself, if it did.
func alertsOf() string {
	of := func(node string) string {
		return `1000 * ALERTS_FOR_STATE * ignoring (alertstate) group_right () ALERTS{alertname=~"Mainstay.*",deployment=~"$deployment|",node` + node + `}`
	}
	return joined(of(`!=""`)+" or "+of(`=""`)+wasNode, "node") + " or " + joined(of(`=""`)+` unless on (instance, job) last_over_time(`+known+`[1d])`, "role")
}

// joined has in the label where what a result is about.
func joined(expr, what string) string {
	return fmt.Sprintf(`label_join(%s, "where", " ", "deployment", %q)`, expr, what)
}

// copied is a query whose results have a label once more under other names, so that a
// table shows what it means.
func copied(expr, label string, names ...string) string {
	for _, n := range names {
		expr = fmt.Sprintf("label_replace(%s, %q, \"$1\", %q, \"(.*)\")", expr, n, label)
	}
	return expr
}

// wellOf are all checks, jobs and services, with 0 for one that is not well. A service
// counts where it should run: elsewhere it may rest.
const wellOf = `(mainstay_check_ok` + byNode + ` or mainstay_job_ok` + byNode + ` or mainstay_service_ready` + byNode +
	serving + `)`

// now is what a person looks at first.
func now() []group {
	tile := func(shows string) object {
		return object{"reduceOptions": object{"calcs": []any{"lastNotNull"}}, "colorMode": "background", "graphMode": "none", "textMode": shows, "justifyMode": "auto"}
	}
	named := tile("value_and_name")
	named["text"] = object{"titleSize": 18, "valueSize": 26} // by itself a wide tile with long words is written small
	number := func(title, about, expr string, steps []any) panel {
		return panel{kind: "stat", title: title, about: about, width: 6, options: tile("value"), steps: steps, empty: notObserved,
			mappings: words(word{"-1", notObserved, grey}), asks: []ask{{expr + " or vector(-1)", ""}}} // what is missing would be green
	}
	age := number("Oldest look at git", "Of the nodes that are observed.", `max(mainstay_last_good_read_age_seconds`+byNode+`)`, above("green", 60, "orange", 300, "red"))
	age.unit = "s"
	return []group{{height: 4, panels: []panel{
		{kind: "stat", title: "Who serves in $deployment", width: 24, options: named, mappings: servingWords(), steps: above(grey), each: 4, tiles: "role",
			about: "The side of each role that says it is Active. \"nobody seen\" is of the nodes whose metrics can be read.",
			empty: "No role with sides is observed.", asks: []ask{{servingOf(), "{{role}}"}}},
	}}, {title: "Now", height: 3, panels: []panel{ // a row, so that nothing slips beside what is repeated
		number("Agents not observed", "Agents whose metrics cannot be read, of every deployment. That says nothing of their services.",
			`count(`+silent+`) or 0 * count(up{job="mainstay"})`, above("green", 1, "orange")),
		number("Conditions", "What a person should know, all nodes that are observed together.",
			`sum(mainstay_conditions`+byNode+`) or 0 * count(`+known+`)`, above("green", 1, "orange")),
		number("Checks, jobs and services not well", "A service counts while its node is Active, Activating or Failed.", `count(`+wellOf+` == 0) or 0 * count(`+known+`)`, above("green", 1, "orange")),
		age,
	}}}
}

func timeline(title, about, empty string, mappings []any, asks ...ask) panel {
	return panel{kind: "state-timeline", title: title, about: about, width: 24, empty: empty, mappings: mappings, asks: asks,
		defaults: object{"color": object{"mode": "fixed", "fixedColor": grey}}, custom: object{"fillOpacity": 80, "lineWidth": 0},
		options: object{"showValue": "auto", "alignValue": "center", "mergeValues": true, "rowHeight": 0.85,
			"legend":  object{"showLegend": false, "displayMode": "list", "placement": "bottom"},
			"tooltip": object{"mode": "single", "sort": "none"}}}
}

func table(title, about, empty string, columns []column, asks ...ask) panel {
	return panel{kind: "table", title: title, about: about, width: 24, empty: empty, columns: columns, asks: asks, steps: above("text"),
		defaults: object{"color": object{"mode": "thresholds"}}, custom: object{"align": "left", "minWidth": 120, "filterable": false, "inspect": false},
		options: object{"showHeader": true, "sortBy": []any{}}}
}

// by sorts a table by columns.
func (p panel) by(names ...string) panel {
	by := []any{}
	for _, name := range names {
		by = append(by, object{"displayName": name, "desc": false})
	}
	p.options["sortBy"] = by
	return p
}

// bad are the checks, jobs or services that are not well, with 0.
func bad(metric, label, also, kind string) ask {
	return ask{`max by (deployment, node, ` + label + `) ((mainstay_` + metric + byNode + `) == 0` + also + `)`, of + " " + kind + " {{" + label + "}}"}
}

// what happened, and what is to be done.
func happened() []group {
	means, do := meaning()
	act := actions()
	where := column{field: "where", name: "Where", width: 230}
	severe := words(word{"critical", "critical", "red"}, word{"warning", "warning", "orange"}, word{"info", "info", "blue"})
	statuses := timeline("Status of every node of $deployment", "\"not observed\" is of an agent whose metrics cannot be read: it says nothing of its services.", notObserved,
		statusWords(), ask{statusOf(), "{{node}}"})
	statuses.each = 2
	return []group{
		{height: 7, panels: []panel{table("Alerts", "Those of mainstay.rules.yaml that wait or fire.", "No alert waits or fires, provided that Prometheus reads mainstay.rules.yaml.",
			[]column{{field: "alertstate", name: "State", width: 85}, {field: "severity", name: "Severity", width: 80, mappings: severe, coloured: "color-text"},
				{field: "Value", name: "Since", width: 150, unit: "dateTimeFromNow"}, {field: "alertname", name: "Alert", width: 245},
				where, {field: "do", name: "What to do", least: 300, mappings: act}},
			ask{expr: copied(alertsOf(), "alertname", "do")}).by("State", "Severity")}},
		{height: 6, panels: []panel{table("Conditions by node", "What the nodes report now, whether or not it is an alert yet.", "No node that is observed reports one.",
			[]column{where, {field: "type", name: "Condition", width: 215}, {field: "says", name: "What is so", least: 300, mappings: means}, {field: "do", name: "What to do", least: 300, mappings: do}},
			ask{expr: joined(copied(`sum by (deployment, node, type) (mainstay_conditions`+byNode+`) > 0`, "type", "says", "do"), "node")}).by("Where")}},
		{height: 8, panels: []panel{statuses}},
		{height: 6, panels: []panel{timeline("Checks, jobs and services that were not well",
			"A service counts while its node is Active, Activating or Failed.", notObserved, words(word{"0", "not well", "red"}, word{"1", "well", "green"}),
			ask{`min(` + wellOf + `)`, "all together"}, bad("check_ok", "check", "", "check"), bad("job_ok", "exported_job", "", "job"),
			bad("service_ready", "service", serving, "service"))}},
	}
}

// nodes is one line of each node, as it is now.
func nodes() panel {
	one := func(expr string) ask {
		return ask{expr: "max by (deployment, node, role, side) (" + expr + ")"}
	}
	return table("Every node, now", "Took is of the newest switch to the node, from when it saw the commit until it was Active.", notObserved, []column{
		{field: "deployment", name: "Deployment"}, {field: "node", name: "Node"}, {field: "role", name: "Role", width: 80}, {field: "side", name: "Side", width: 85},
		{field: "Value #A", name: "Status", mappings: statusWords(), width: 130, coloured: "color-background-solid"},
		{field: "Value #B", name: "Claim", width: 70},
		{field: "Value #C", name: "Age of git", unit: "s", width: 100, coloured: "color-text", steps: above("text", 60, "orange", 300, "red")},
		{field: "Value #D", name: "Took", unit: "s", width: 90}, {field: "Value #E", name: "Objective", unit: "s", width: 95},
		{field: "Value #F", name: "In time", width: 80, coloured: "color-text", mappings: words(word{"0", "yes", "green"}, word{"1", "late", "red"})},
		{field: "mainstay", name: "Version", width: 90},
	}, ask{expr: statusOf()}, one("mainstay_claim_seq"+bySide), one("mainstay_last_good_read_age_seconds"+byNode),
		one("mainstay_switch_duration_seconds"+byNode), one("mainstay_switch_objective_seconds"+byNode+" and on (instance, job) mainstay_switch_duration_seconds"), one("mainstay_switch_late"+byNode),
		ask{expr: "max by (deployment, node, role, side, mainstay) (mainstay_build_info" + byNode + ")"}).by("Deployment", "Node")
}

func lines(title, about, unit string, asks ...ask) panel {
	return panel{kind: "timeseries", title: title, about: about, unit: unit, width: 8, asks: asks, empty: notObserved,
		defaults: object{"min": 0, "color": object{"mode": "palette-classic"}},
		custom:   object{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 0, "showPoints": "never", "spanNulls": false},
		options: object{"legend": object{"showLegend": true, "displayMode": "list", "placement": "bottom", "calcs": []any{}},
			"tooltip": object{"mode": "multi", "sort": "desc"}}}
}

// counted is about things that happen now and then: nothing is drawn of those that did not.
func counted(title, about, empty string, asks ...ask) panel {
	p := lines(title, about, "short", asks...)
	p.empty = empty
	p.custom = object{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 50, "showPoints": "always", "pointSize": 4, "spanNulls": false, "axisSoftMax": 4}
	return p
}

func agents() []panel {
	q := func(metric string) string {
		return `histogram_quantile(0.95, sum by (le, instance, job) (rate(mainstay_` + metric + `_duration_seconds_bucket[5m])))` + byNode
	}
	in5 := func(metric string) string { return `(round(increase(mainstay_` + metric + `[5m]))` + byNode + `) > 0` }
	claim := lines("Number of the claim", "Of each role with sides. It grows by one with each change.", "none",
		ask{`max by (deployment, role) (mainstay_claim_seq` + bySide + `)`, "{{deployment}} {{role}}"})
	delete(claim.defaults, "min")
	age := lines("Age of the newest look at git", "The highest of each minute. An alert fires at five minutes.", "s",
		ask{`max_over_time(mainstay_last_good_read_age_seconds[1m])` + byNode, of})
	age.steps, age.custom["thresholdsStyle"] = above("transparent", 300, "red"), object{"mode": "line+area"}
	took := lines("Newest switch, and its objective", "From when the node saw the commit until it was Active.", "s", ask{`mainstay_switch_duration_seconds` + byNode, of},
		ask{`max by (deployment) (mainstay_switch_objective_seconds` + byNode + `)`, "{{deployment}} objective"})
	took.overridden = []any{object{"matcher": object{"id": "byFrameRefID", "options": "B"}, "properties": []any{
		object{"id": "custom.lineStyle", "value": object{"fill": "dash", "dash": []any{8, 8}}}, object{"id": "color", "value": object{"mode": "fixed", "fixedColor": "red"}}}}}
	return []panel{
		took, claim, age,
		counted("Looks at git and reports that failed", "In the five minutes before.", "None failed, of the agents that are observed.",
			ask{in5(`looks_total{result="failed"}`), of + " looks"}, ask{in5(`reports_total{result="failed"}`), of + " reports"}),
		counted("Services started again", "Starts of a service that died while its node was serving, in the five minutes before.", "None was, on the nodes that are observed.",
			ask{in5("heals_total"), of}),
		lines("A look at git: the slowest of twenty", "The 95th percentile over five minutes.", "s", ask{q("look"), of}),
		lines("A pass: the slowest of twenty", "The 95th percentile over five minutes.", "s", ask{q("pass"), of}),
		lines("Memory of the agents", "Resident.", "bytes", ask{`process_resident_memory_bytes{job="mainstay"}` + byNode, of}),
		func() panel {
			p := lines("Age of what the web page shows", "Of each repository that it reads, the highest of each minute.", "s", ask{`max_over_time(mainstay_console_data_age_seconds[1m])`, "{{instance}} {{repository}}"})
			p.empty = "No web page is observed."
			return p
		}(),
	}
}

// Dashboard is the dashboard for Grafana.
func Dashboard() string {
	groups := append(now(), happened()...)
	groups = append(groups, group{height: 9, panels: []panel{nodes()}}, group{title: "The agents", height: 8, panels: agents()})
	return text(object{
		"title": "mainstay", "uid": "mainstay", "tags": []any{"mainstay"}, "timezone": "browser", "schemaVersion": 37, "version": 1,
		"refresh": "10s", "time": object{"from": "now-1h", "to": "now"}, "editable": true, "graphTooltip": 1,
		"templating": object{"list": []any{
			object{"name": "source", "type": "datasource", "query": "prometheus", "label": "Source", "current": object{"text": "default", "value": "default"}},
			object{"name": "deployment", "type": "query", "label": "Deployment", "datasource": source(), "query": "label_values(mainstay_node_info, deployment)",
				"refresh": 2, "sort": 1, "includeAll": true, "multi": true, "allValue": ".*", "current": object{"text": "All", "value": "$__all"}},
		}},
		"panels": lay(groups),
	})
}
