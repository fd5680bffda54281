// Package conditions is the registry of what a node may report: what each type of
// condition means, and what a person does about it. No decision reads it.
package conditions

import (
	"cmp"
	"slices"

	"mainstay/reconcile/plan"
)

// Type explains one type of condition. Every condition tells of something
// that is not as it should be, so none is good news.
type Type struct {
	Type string
	// Meaning says what is so, and Do what a person does about it.
	Meaning, Do string
	// Blocks says that a node that reports it may not come up: the forecast of a
	// switch to it raises an objection.
	Blocks bool
	// AtOnce says that it needs a person at once, whatever the hour.
	AtOnce bool
	// Refuses says that the newest commit is not in force on the node, and will not be
	// until somebody acts.
	Refuses bool
	// Passing says that it comes and goes by itself and is no reason to act.
	Passing bool
}

// All lists every type there is, by name. It is the one place that says
// what a type means to a reader: the forecast, the status and the reference ask it.
func All() []Type {
	all := append(conditionsOfGit(), conditionsOfNodes()...)
	slices.SortFunc(all, func(a, b Type) int { return cmp.Compare(a.Type, b.Type) })
	return all
}

// conditionsOfGit are about what git says: documents, claims and reports.
func conditionsOfGit() []Type {
	return []Type{
		{Type: plan.CondAcceptedByNote, Passing: true,
			Meaning: "A person accepted a rewritten branch, a renaming, or a claim that went back, by a signed note. It says who, and is told for a day.",
			Do:      "Nothing, unless nobody should have."},
		{Type: plan.CondClaimBehind, Blocks: true,
			Meaning: "A report names a higher claim number than the claim has: the claim went back, or this node has to look again (R10).",
			Do:      "Wait for one look; if it stays, find out what happened to the repository, then `mainstay accept --claim`."},
		{Type: plan.CondClaimRegressed, Blocks: true,
			Meaning: "The claim on the server does not descend from the one last known (R10).",
			Do: "Find out what happened to the repository, then `mainstay accept --claim` on the node that should hold it. " +
				"A node that follows the role goes on once the holder reports Active."},
		{Type: plan.CondClaimUnreadable, Blocks: true,
			Meaning: "The claim of a role cannot be read.",
			Do:      "Run `mainstay doctor` on the node."},
		{Type: plan.CondCommitDamaged, Blocks: true,
			Meaning: "The newest commit, or something in it, is damaged.",
			Do:      "Run `git fsck` on the server, and push the commit again."},
		{Type: plan.CondCommitMoved, Passing: true,
			Meaning: "The branch moved while it was read. The next look reads the newer commit.",
			Do:      "Nothing, unless it stays."},
		{Type: plan.CondCommitRefused, Blocks: true, Refuses: true,
			Meaning: "The newest commit is not accepted, for a reason that has no name of its own.",
			Do:      "Read the message."},
		{Type: plan.CondCoordinationMoved, Blocks: true,
			Meaning: "The claim is not where this node looks for it. A person began to carry it to the place that the message names, " +
				"and may not have ended that; or this node was given another place than before (R10, R13). Nothing starts, and nobody switches, until this is over.",
			Do: "Leave running what serves. Give every node the same coordination, first the one that serves, and restart its agent. " +
				"If `mainstay coordination move` broke off or was never run, run it on the node that serves. If the old place is lost, `mainstay accept --claim` on the node that serves."},
		{Type: plan.CondCoordinationUnreachable, Blocks: true,
			Meaning: "The place of claims and reports cannot be read.",
			Do:      "Mend the network or the git server."},
		{Type: plan.CondDeploymentRenamed, Blocks: true, Refuses: true,
			Meaning: "The document renames the deployment, which would leave its claims behind.",
			Do: "Take the name back, or see what runs on both sides and run `mainstay accept COMMIT --attest \"…\"` on each node, " +
				"or `mainstay accept --everywhere --attest \"…\"` once. What serves stops, and starts again under the new name."},
		{Type: plan.CondDocumentHangs, Blocks: true, Refuses: true,
			Meaning: "A document was read for too long without an end.",
			Do:      "Push a commit that costs less to read."},
		{Type: plan.CondDocumentInvalid, Blocks: true, Refuses: true,
			Meaning: "The document has a problem. One condition for each.",
			Do:      "Correct it: `mainstay validate` says the same."},
		{Type: plan.CondDocumentMissing, Blocks: true, Refuses: true,
			Meaning: "The newest commit has no document, or lacks a file that it names.",
			Do:      "Put the file back, or correct repository.path in the agent file."},
		{Type: plan.CondDocumentSlow,
			Meaning: "A document is being read for long. The accepted one stays in force.",
			Do:      "Wait, or push a commit that costs less to read."},
		{Type: plan.CondDocumentTooLarge, Blocks: true, Refuses: true,
			Meaning: "The document, or a file that it names, is larger than is accepted.",
			Do:      "Make it smaller."},
		{Type: plan.CondGitAccessDenied, Blocks: true,
			Meaning: "The git server does not let this node in, or is not the one that is pinned.",
			Do:      "Renew the credentials or the pinned host key: `mainstay doctor` says which."},
		{Type: plan.CondGitUnreachable, Blocks: true,
			Meaning: "The repository cannot be read.",
			Do:      "Mend the network or the git server."},
		{Type: plan.CondMirrorBehind, Passing: true,
			Meaning: "A mirror has a commit that cannot be accepted from there.",
			Do:      "Nothing while the repository itself is down; then mend the mirror."},
		{Type: plan.CondNameShared, Blocks: true,
			Meaning: "Another document has the name of this deployment, and both use the same claims.",
			Do:      "Give one of the two another name, or a coordination repository of its own."},
		{Type: plan.CondNoBranch, Blocks: true,
			Meaning: "The repository has no branch of the configured name.",
			Do:      "Correct repository.branch in the agent file, or push the branch."},
		{Type: plan.CondNoCoordination,
			Meaning: "Read-only mode: no claim keeps the two sides apart (R8).",
			Do:      "Let the node push, if that is possible at all."},
		{Type: plan.CondNodeUnknown, Blocks: true, Refuses: true,
			Meaning: "The document does not name this node.",
			Do:      "Name it under nodes, or set node in the agent file."},
		{Type: plan.CondNoteRefused,
			Meaning: "There is a note that accepts something, and this node does not obey it: it is not signed by whom the node trusts, is over, or is about another state than this.",
			Do:      "Read the message. Write a new one with `mainstay accept --everywhere`, unless it says that only `mainstay accept` on the node can do it."},
		{Type: plan.CondPushUnknown, Passing: true,
			Meaning: "A change of the claim was sent, and its outcome is not known yet.",
			Do:      "Nothing: the next look tells."},
		{Type: plan.CondReportNotPublished,
			Meaning: "This node could not publish its report.",
			Do:      "Run `mainstay doctor` on the node."},
		{Type: plan.CondReportUnreadable,
			Meaning: "The report of another node cannot be read.",
			Do:      "Run `mainstay doctor` on that node."},
		{Type: plan.CondRewound, Blocks: true, Refuses: true,
			Meaning: "The branch does not descend from the accepted commit.",
			Do:      "Push a descendant, or accept the commit: `mainstay accept` on each node, or once with `--everywhere`."},
		{Type: plan.CondRoleRenamed, Blocks: true, Refuses: true,
			Meaning: "The document gives this node another role, which would leave its claim behind (R13).",
			Do:      "Take the role back, or see that the node is down and run `mainstay accept COMMIT --attest \"…\"` on each node, or once with `--everywhere`."},
		{Type: plan.CondRoleRetyped, Blocks: true, Refuses: true,
			Meaning: "The document makes a role exclusive that several nodes may be running (R13).",
			Do:      "Take it back, or stop the role on one side and run `mainstay accept COMMIT --attest \"…\"` on each node, or once with `--everywhere`."},
		{Type: plan.CondSignatureRefused, Blocks: true, Refuses: true,
			Meaning: "A commit since the accepted one changed the document and is not signed by anyone who may do that, or is of a time that cannot be true.",
			Do:      "Push a signed one in its place, or correct verify in the agent file. If the branch is right as it is, `mainstay accept` its newest commit on each node, or once with `--everywhere`."},
	}
}

// conditionsOfNodes are about machines, services and people.
func conditionsOfNodes() []Type {
	return []Type{
		{Type: plan.CondAgentEnded, Blocks: true,
			Meaning: "The agent of this node ended in order. Its services stay as they were, and nobody looks after them.",
			Do:      "`systemctl start mainstay` on the node, unless it was ended on purpose."},
		{Type: plan.CondAlertNotSent,
			Meaning: "An alert could not be delivered. It is tried again, for a day.",
			Do:      "Mend what the message says; `mainstay doctor --test-alerts` tries every receiver."},
		{Type: plan.CondAnsweredElsewhere,
			Meaning: "The place that a service's readiness asks answered while the service was down.",
			Do:      "Stop what else answers there, then restart the service, or give it a `ready` that only it answers."},
		{Type: plan.CondDetectSilent,
			Meaning: "What shows this node which side serves has not answered for some time.",
			Do:      "Look at the side that the message names; nothing follows from it while git answers."},
		{Type: plan.CondDetectUnusable,
			Meaning: "What shows this node which side serves cannot be asked from here.",
			Do:      "Mend what the message says: without it this node does not follow while git is down."},
		{Type: plan.CondWitnessSilent,
			Meaning: "The other side's witness has not answered for some time.",
			Do:      "Look at the other side. If it served and is off, fail over."},
		{Type: plan.CondWitnessUnusable,
			Meaning: "The other side's witness cannot be asked from here, so that side is never presumed dead (R4).",
			Do:      "Mend what the message says, before it is needed: `mainstay doctor` tries it once."},
		{Type: plan.CondAttestedAnswers, AtOnce: true,
			Meaning: "A person stated that the other side is off, and its witness probe answers.",
			Do:      "Look at the other side now: two sides may be serving."},
		{Type: plan.CondBlocked, Blocks: true,
			Meaning: "The document asks this node for something that it cannot do or does not allow.",
			Do:      "Allow it in the agent file and restart the agent, or change the document."},
		{Type: plan.CondDualActive, Blocks: true, AtOnce: true,
			Meaning: "Both sides of a role are serving.",
			Do:      "Stop one side by hand, at once."},
		{Type: plan.CondEnabledAtBoot,
			Meaning: "A service is started at boot by something other than the agent.",
			Do:      "`systemctl disable` it: it would run before anybody decided that it may."},
		{Type: plan.CondFencedAnswers, AtOnce: true,
			Meaning: "The document says that the other side is off, and its witness probe answers.",
			Do:      "Look at the other side now: two sides may be serving."},
		{Type: plan.CondFencingNotBelieved,
			Meaning: "A statement that the other side is off is not acted upon.",
			Do:      "Read the message; state it again in the newest document if it is true."},
		{Type: plan.CondFileRefused, Blocks: true,
			Meaning: "A file cannot be rendered, checked, replaced or reloaded.",
			Do:      "Mend what the message says."},
		{Type: plan.CondLeftRunning,
			Meaning: "A service runs, or may run, although the document names it no more.",
			Do:      "Stop it by hand, as the message says."},
		{Type: plan.CondMachineUnseen,
			Meaning: "Another machine of this side held the claim before this one, and nobody saw it down (R12).",
			Do:      "See that it is off for good, then `mainstay takeover --adopt` on this node."},
		{Type: plan.CondNoGuard,
			Meaning: "This side serves under a lease, and nobody would obey it if the agent were stopped or hung (R7).",
			Do:      "`systemctl enable --now mainstay-guard` on the node, or fail over."},
		{Type: plan.CondPeerSilent,
			Meaning: "The other side holds the claim, and nothing on it answers the witness probe.",
			Do:      "Look at it, or fail over."},
		{Type: plan.CondStandIn,
			Meaning: "A service of the document has no process of its own: what runs cannot be told from it.",
			Do:      "Name in the document the units that the message names."},
		{Type: plan.CondStatementVoid, Blocks: true,
			Meaning: "A person stated that the other side is off, and that side has changed the claim since (R9).",
			Do:      "Look at both nodes; state it again only if it is still true."},
		{Type: plan.CondStateNotSaved, Blocks: true,
			Meaning: "Something could not be kept on disk.",
			Do:      "Free the disk: a restart of the machine would forget it."},
		{Type: plan.CondTakeover,
			Meaning: "A person took over on this node (R9).",
			Do:      "Make the document agree, or `mainstay takeover --end`."},
		{Type: plan.CondTwoAgents, Blocks: true,
			Meaning: "Another agent that lives goes by the name of this node.",
			Do:      "Stop the agent of the wrong machine, and give it a `node:` of its own."},
		{Type: plan.CondUnconfirmed,
			Meaning: "This node serves without a claim won for it (R6, R8, R9).",
			Do:      "Bring git back, or see that the other side is off."},
		{Type: plan.CondAddressContested, AtOnce: true,
			Meaning: "Another machine answers for a floating address that this node has: telephones reach either of the two.",
			Do:      "Find that machine by its Ethernet address. If it is the other side, look why its agent does not take the address away; else take it away there."},
		{Type: plan.CondUnhealthy,
			Meaning: "A service runs, and is not well: its health check fails, its interface is down, or its command failed.",
			Do:      "Look at the service."},
	}
}

// Of explains a type. One that is not known here, as from a newer agent,
// means nothing but its name.
func Of(name string) Type {
	for _, c := range All() {
		if c.Type == name {
			return c
		}
	}
	return Type{Type: name}
}
