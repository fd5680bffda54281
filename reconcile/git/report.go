package git

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/object"

	"mainstay/reconcile/git/content"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/transport"
	"mainstay/reconcile/plan"
)

const (
	reportFile      = "report.json"
	trailerAt       = "At: "
	trailerLastRead = "Last-Read: "
)

// PublishReport puts a node's report on its ref, which only that node writes,
// and returns the commit. The moments At and LastRead are kept in the commit's
// message, so that a report in which nothing else changed is a new commit of the
// same tree. last is the commit this node knows to be there; another one is
// replaced as well, and said to the log.
//
// Errors as for PushClaim. A report is published again anyway, so none of them
// needs more than another try.
func (r *Remote) PublishReport(ctx context.Context, ref string, rep plan.Report, last string) (string, error) {
	o, err := r.reportNote(ref, rep)
	if err != nil {
		return "", err
	}
	r.said.Store(&o)
	u := update{ref: ref, old: last, next: o.ID, objects: o.list()}
	return r.push(ctx, "publish the report", u, func(now Refs) update {
		if now[ref] != last && now[ref] != o.ID {
			r.log.Debug("report ref was not where this node left it", "ref", ref, "commit", now[ref])
		}
		u.old = now[ref]
		return u
	})
}

func (r Notary) reportNote(ref string, rep plan.Report) (noteObjects, error) {
	signer, err := r.noteSigner()
	if err != nil {
		return noteObjects{}, err
	}
	text, err := content.EncodeReport(rep)
	if err != nil {
		return noteObjects{}, err
	}
	n := note{file: reportFile, content: text, author: rep.Node, when: rep.At, ref: ref, signer: signer}
	n.message = fmt.Sprintf("%s: %s\n\n%s%s\n%s%s\n", rep.Node, rep.Status,
		trailerAt, rep.At.UTC().Format(time.RFC3339Nano), trailerLastRead, rep.LastRead.UTC().Format(time.RFC3339Nano))
	return n.objects()
}

// Reports reads several reports with one fetch: listed maps their refs to the
// hashes that a listing showed. Every ref is in one of the results. When what is
// sent is damaged or too large, each one is fetched by itself: a report that is
// not fit to be read must not hide the others.
//
// The errors are failure.ErrDamaged for one that is no report, or the report of another
// node; failure.ErrMoved, failure.ErrTooLarge, failure.ErrUnreachable, failure.ErrAuth, failure.ErrHostKey.
func (r *Remote) Reports(ctx context.Context, listed map[string]string) (map[string]plan.Report, map[string]error) {
	reports, errs := map[string]plan.Report{}, map[string]error{}
	if len(listed) == 0 {
		return reports, errs
	}
	err := r.reports(ctx, listed, reports, errs)
	if err == nil {
		return reports, errs
	}
	apart := len(listed) > 1 && (errors.Is(err, failure.ErrTooLarge) || errors.Is(err, failure.ErrDamaged))
	for ref, hash := range listed {
		one := err
		if apart {
			one = r.reports(ctx, map[string]string{ref: hash}, reports, errs)
		}
		if one != nil {
			errs[ref] = one
		}
	}
	return reports, errs
}

// reports fetches reports together. The error is that of the fetch.
func (r *Remote) reports(ctx context.Context, listed map[string]string, into map[string]plan.Report, errs map[string]error) error {
	st := noteStore(reportNotes * len(listed))
	asked := maps.Clone(listed)
	maps.DeleteFunc(asked, func(_, hash string) bool { return r.said.Load().into(st, hash) })
	moved, err := r.fetchReports(ctx, asked, st)
	if err != nil {
		return err
	}
	for ref, hash := range listed {
		if moved[ref] != nil {
			errs[ref] = moved[ref]
			continue
		}
		rep, err := r.ownReport(st, ref, hash)
		if err != nil {
			errs[ref] = err
		} else {
			into[ref] = rep
		}
	}
	return nil
}

// reportNotes is how many claims a report may be as large as.
const reportNotes = 64

// fetchReports fetches those refs that are still at their hash, and says which
// are not.
func (r *Remote) fetchReports(ctx context.Context, listed map[string]string, into *store) (map[string]error, error) {
	if len(listed) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	f := fetchRequest{depth: 1, filter: "blob:limit=262145"}
	f.wants = slices.Sorted(maps.Values(listed))
	if done, err := r.fetchAtOnce(ctx, r.dialers[0], f, into); done {
		return nil, err
	}
	s, err := r.openSession(ctx, r.dialers[0], transport.UploadPack, "fetch reports")
	if err != nil {
		return nil, err
	}
	defer s.close()
	f.wants = nil
	moved := map[string]error{}
	for _, ref := range slices.Sorted(maps.Keys(listed)) {
		if s.refs[ref] == listed[ref] {
			f.wants = append(f.wants, listed[ref])
		} else {
			moved[ref] = &failure.Error{Kind: failure.ErrMoved, Step: s.step, At: s.at, Err: errors.New(ref)}
		}
	}
	if len(f.wants) == 0 {
		return moved, nil
	}
	return moved, s.fetch(ctx, f, into)
}

func (s *store) report(ref, hash string) (plan.Report, error) {
	c, err := s.commit(hash)
	if err == nil && c == nil {
		err = s.missing("the commit of report " + ref)
	}
	if err != nil {
		return plan.Report{}, err
	}
	_, text, err := s.onlyFile(c.TreeHash, reportFile, content.MaxReport)
	if err != nil {
		return plan.Report{}, fmt.Errorf("report %s: %w", ref, err)
	}
	rep, err := content.DecodeReport(text)
	if err == nil && ReportRef(rep.Deployment, rep.Node) != ref {
		err = fmt.Errorf("it is the report of %s/%s", rep.Deployment, rep.Node)
	}
	if err != nil {
		return plan.Report{}, damaged("report "+ref, err)
	}
	rep.At, rep.LastRead = moments(c)
	return rep, nil
}

// moments reads when a report was made and when its node last read git. Without
// its line, a report was made when its commit was.
func moments(c *object.Commit) (at, lastRead time.Time) {
	at = c.Committer.When.UTC()
	for l := range strings.Lines(c.Message) {
		l = strings.TrimSpace(l)
		if text, is := strings.CutPrefix(l, trailerAt); is {
			if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
				at = t
			}
		}
		if text, is := strings.CutPrefix(l, trailerLastRead); is {
			if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
				lastRead = t
			}
		}
	}
	return at, lastRead
}
