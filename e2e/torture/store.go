package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// elsewhere is another place of claims than the one that all nodes are given.
const elsewhere = "elsewhere"

// keep starts what holds the claims, where that is not the repository, and gives both nodes
// the way there.
func (s *site) keep() (err error) {
	if s.options.store != onEtcd {
		return nil
	}
	if s.cluster, err = startCluster(s.ctx, filepath.Join(s.dir, "etcd")); err != nil {
		return err
	}
	for side, m := range s.nodes {
		if m.coordination, err = s.cluster.wayTo(s.ctx, s.git.links[side]); err != nil {
			return err
		}
	}
	return nil
}

// rebuild makes a git server from a clone, which carries no claims, and where they are on
// etcd an empty cluster too. The main side's node is given both.
func (s *site) rebuild() (rebuilt *cluster) {
	s.must(s.bare("rebuilt"))
	s.must(s.run(s.work(), "git", "remote", "set-url", "origin", s.repo("rebuilt")))
	m := s.nodes[mainSide]
	m.url = s.url(mainSide, "rebuilt")
	if s.cluster == nil {
		return nil
	}
	rebuilt, err := startCluster(s.ctx, filepath.Join(s.dir, "etcd-rebuilt"))
	s.must(err)
	if err != nil {
		return nil
	}
	m.coordination, err = rebuilt.wayTo(s.ctx, s.git.links[mainSide])
	s.must(err)
	return rebuilt
}

// replaceOld lets what was rebuilt have the addresses of what burnt.
func (s *site) replaceOld(rebuilt *cluster) {
	s.must(os.RemoveAll(s.repo("deployment")))
	s.must(os.Symlink(s.repo("rebuilt"), s.repo("deployment")))
	if rebuilt != nil {
		s.cluster.burn(rebuilt)
		s.cluster = rebuilt
	}
}

// anotherPlace is a coordination of a side that holds no claims yet.
func (s *site) anotherPlace(side string) string {
	if s.cluster != nil {
		return strings.Replace(s.nodes[side].coordination, "/"+claimPrefix, "/"+elsewhere, 1)
	}
	s.must(s.bare("claims"))
	return fmt.Sprintf("{ url: %q }", s.url(side, "claims"))
}

// tip names the newest change of the role's claim, and putBack makes an older one the
// newest again, as an old backup does.
func (s *site) tip(role string) string {
	if s.cluster != nil {
		pairs, err := s.cluster.under(s.headKey(role))
		if err == nil && len(pairs) != 1 {
			err = fmt.Errorf("the claim of %s is kept under %d keys", role, len(pairs))
		}
		s.must(err)
		if err != nil {
			return ""
		}
		return string(pairs[0].Value)
	}
	tip, err := s.output(s.repo("deployment"), "rev-parse", s.claimRef(role))
	s.must(err)
	return strings.TrimSpace(tip)
}

func (s *site) putBack(role, tip string) {
	if s.cluster != nil {
		s.must(s.cluster.put(s.headKey(role), tip))
		return
	}
	s.must(s.run("", "git", "-C", s.repo("deployment"), "update-ref", s.claimRef(role), tip))
}

func (s *site) claimRef(role string) string { return "refs/mainstay/" + s.doc.name + "/claim/" + role }

func (s *site) headKey(role string) string {
	return claimPrefix + "/head/" + s.doc.name + "/claim/" + role
}

// backUp keeps the repository, and the claims where they are on etcd. What it returns
// restores both.
func (s *site) backUp() (restore func()) {
	repo, kept, file := s.repo("deployment"), filepath.Join(s.dir, "backup.git"), filepath.Join(s.dir, "backup.etcd")
	s.copy(repo, kept)
	if s.cluster != nil {
		s.must(s.cluster.save(file))
	}
	return func() {
		s.copy(kept, repo)
		if s.cluster != nil {
			s.must(s.cluster.restore(s.ctx, file))
		}
	}
}
