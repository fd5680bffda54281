package door

import "testing"

// A form is carried out once, however often it is sent at the same time.
func TestAFormIsCarriedOutOnce(t *testing.T) {
	o, runs, got := NewOnce(), 0, make(chan string)
	if o.Do("a", func() string { return "" }) != "" {
		t.Error("what was not carried out leads somewhere")
	}
	for range 5 {
		go func() { got <- o.Do("a", func() string { runs++; return "/there" }) }()
	}
	for range 5 {
		if to := <-got; to != "/there" {
			t.Errorf("leads to %q", to)
		}
	}
	if runs != 1 {
		t.Errorf("carried out %d times", runs)
	}
}
