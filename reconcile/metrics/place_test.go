package metrics

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func scrape(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// A scrape tells of members what they said, for as long as that is not old, and waits for
// none of them.
func TestAScrapeTellsHowTheMembersWereAndWaitsForNone(t *testing.T) {
	var now atomic.Int64
	now.Store(int64(time.Hour))
	m := New(said{}, func() time.Duration { return time.Duration(now.Load()) }, nil)
	asked, answer := make(chan struct{}), make(chan []Member)
	m.CountPlace("etcd", func(ctx context.Context) []Member {
		asked <- struct{}{}
		return <-answer
	})
	if text := scrape(m); !strings.Contains(text, `mainstay_coordination_info{engine="etcd"} 1`) || strings.Contains(text, "coordination_member") {
		t.Errorf("before anybody was asked: %s", text)
	}
	<-asked
	if text := scrape(m); strings.Contains(text, "coordination_member") {
		t.Errorf("while they are asked: %s", text)
	}
	answer <- []Member{{At: "a:2379", Up: true, Led: true, Took: 2 * time.Millisecond, Alarms: []string{"NOSPACE"}}, {At: "b:2379"}}
	var text string
	for end := time.Now().Add(10 * time.Second); !strings.Contains(text, "coordination_member_up") && time.Now().Before(end); {
		text = scrape(m)
	}
	for _, want := range []string{`member_up{member="a:2379"} 1`, `member_up{member="b:2379"} 0`, `member_led{member="a:2379"} 1`,
		`member_answer_seconds{member="a:2379"} 0.002`, `member_alarm{alarm="NOSPACE",member="a:2379"} 1`, "members_age_seconds 0"} {
		if !strings.Contains(text, "mainstay_coordination_"+want+"\n") {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
	if strings.Contains(text, `answer_seconds{member="b`) {
		t.Error("a member that does not answer has an answer")
	}
	now.Add(int64(30 * time.Second))
	if text = scrape(m); !strings.Contains(text, "members_age_seconds 30\n") {
		t.Errorf("half a minute later: %s", text)
	}
	<-asked // it does not answer any more
	now.Add(int64(time.Minute))
	if text = scrape(m); strings.Contains(text, "coordination_member") {
		t.Errorf("what is old is told: %s", text)
	}
	close(answer)
}

func TestAPlaceWithoutMembersIsToldByItsEngine(t *testing.T) {
	m := New(said{}, func() time.Duration { return time.Hour }, nil)
	m.CountPlace("git", nil)
	if text := scrape(m); !strings.Contains(text, `mainstay_coordination_info{engine="git"} 1`) || strings.Contains(text, "coordination_member") {
		t.Error(text)
	}
}
