package schema

import "testing"

// What people write for a duration is answered with how to write it.
func TestADurationIsUnderstoodAsItWasMeant(t *testing.T) {
	for text, want := range map[string]string{
		"5 seconds": "5s", "5sec": "5s", "5 s": "5s", "5S": "5s", "30": "30s", "5min": "5m", "10 Minutes": "10m", "2 h": "2h", "2hrs": "2h",
		"1d": "24h", "2 days": "48h", "1w": "168h", "hourly": "1h", "Daily": "24h", "1h30": "1h30m", "1h 30m": "1h30m", "1 hour and 5 min": "1h5m",
		"90 sec": "1m30s", "100 msec": "100ms", "10m": "10m",
		"": "", "never": "", "1:30": "", "-5s": "", "5 parsecs": "", "5 5": "", "1mo": "", "0": "", "99999999999999999999 s": "", "400d": "", "seconds": "",
	} {
		if got := MeantDuration(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
