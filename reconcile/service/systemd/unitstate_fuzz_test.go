package systemd

import (
	"encoding/json"
	"testing"

	"mainstay/e2e/attack"
)

// typed makes a JSON value one of the kinds that D-Bus has.
func typed(v any, kind byte) any {
	switch v := v.(type) {
	case float64:
		switch kind % 3 {
		case 0:
			return uint32(int64(v))
		case 1:
			return uint64(int64(v))
		}
		return int32(int64(v))
	case []any:
		var words []string
		var rows [][]any
		for _, e := range v {
			switch e := typed(e, kind).(type) {
			case string:
				words = append(words, e)
			case []any:
				rows = append(rows, e)
			}
		}
		switch {
		case len(words) > 0 && len(words) == len(v) && kind%2 == 0:
			return words
		case len(rows) > 0:
			return rows
		}
	}
	return v
}

// FuzzUnit reads what systemd may say of a unit: it is down only if systemd said
// that it is inactive or failed, and nothing of it is left or queued (R2).
func FuzzUnit(f *testing.F) {
	f.Add([]byte(`{"Id":"a.service","Names":["a.service","b.service"],"LoadState":"loaded","ActiveState":"active","SubState":"running","WantedBy":["x.target"]}`), byte(0), "success", "")
	f.Add([]byte(`{"ActiveState":"failed","SubState":"failed","Job":[7,"/x"],"LoadError":["n","m"]}`), byte(203), "exit-code", "sleep 9")
	f.Add([]byte(`{"ActiveState":"inactive","ConditionTimestamp":5,"ConditionResult":false,"Conditions":[["ConditionPathExists",false,true,"/x",-1]]}`), byte(9), "signal", "")
	f.Add([]byte(`{"Id":"a.target","ActiveState":"activating","SubState":"auto-restart","TriggeredBy":["a.timer"],"StateChangeTimestamp":18446744073709551615}`), byte(1), "", "")
	f.Fuzz(func(t *testing.T, properties []byte, kind byte, result, left string) {
		attack.Cheap(t, func() {
			p := map[string]any{}
			if json.Unmarshal(properties, &p) != nil {
				return
			}
			for name, v := range p {
				p[name] = typed(v, kind)
			}
			seen := readUnit(p)
			seen.result, seen.status = result, int32(kind)
			if left != "" {
				seen.left = []process{{pid: 1, command: left}}
			}
			_ = ties(seen.id, p)
			state := seen.state()
			said := seen.active == "inactive" || seen.active == "failed"
			if state.Run.Down() && (!said || left != "" || seen.job != 0) {
				t.Errorf("%s: %q, job %d, left %q", state.Run, seen.active, seen.job, left)
			}
		})
	})
}
