package fleet

import (
	"context"
	"strings"
	"time"

	"mainstay/reconcile/gitcmd"
	"mainstay/schema"
	"mainstay/spec"
)

// logFormat separates what git tells of a commit by a byte that no text has.
const logFormat = "%H%x1f%an%x1f%cI%x1f%s%x1f%(trailers:key=Mainstay-Reason,valueonly,separator=%x20)" +
	"%x1f%(trailers:key=Mainstay-Forced,valueonly,separator=%x1e)"

// DeclaredBy is the newest commit up to the accepted one that changed the word.
func DeclaredBy(ctx context.Context, repo gitcmd.Repo, path, accepted string) (Declared, bool) {
	text, err := repo.Text(ctx, gitcmd.Git("log", "-1", "--format="+logFormat, `-G(active|fenced)["']?[[:space:]]*:`).On(accepted).Paths(path))
	parts := strings.Split(text, "\x1f")
	if err != nil || len(parts) != 6 {
		return Declared{}, false
	}
	at, err := time.Parse(time.RFC3339, parts[2])
	if err != nil {
		return Declared{}, false
	}
	d := Declared{Commit: parts[0], Side: declares(ctx, repo, path, parts[0]), Who: parts[1], At: at.UTC(), Subject: parts[3], Why: parts[4]}
	for f := range strings.SplitSeq(parts[5], "\x1e") {
		if f != "" {
			d.Forced = append(d.Forced, f)
		}
	}
	return d, true
}

// declares is the side that a document declared at a commit, empty when it cannot
// be read: old documents need not be valid any more.
func declares(ctx context.Context, repo gitcmd.Repo, path, rev string) spec.Side {
	data, err := repo.At(ctx, rev).Read(path)
	if err != nil {
		return ""
	}
	doc, _ := schema.Read(schema.Deployment, path, data)
	if doc == nil {
		return ""
	}
	side, _ := doc.Value["active"].(string)
	return spec.Side(side)
}
