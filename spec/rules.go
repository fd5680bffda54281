package spec

import "mainstay/schema"

// The rules on the meaning of a document and of an agent's file.
const (
	RuleUnknownRole     schema.Rule = "unknown-role"
	RuleSideMissing     schema.Rule = "side-missing"
	RuleSideForbidden   schema.Rule = "side-forbidden"
	RuleSideTaken       schema.Rule = "side-taken"
	RuleFollowsUnknown  schema.Rule = "follows-unknown"
	RuleFollowsItself   schema.Rule = "follows-itself"
	RuleFollowsShared   schema.Rule = "follows-shared"
	RuleFollowsCycle    schema.Rule = "follows-cycle"
	RuleFollowsSide     schema.Rule = "follows-side"
	RuleFencedActive    schema.Rule = "fenced-active"
	RuleActiveEmpty     schema.Rule = "active-empty"
	RuleLeaseTooShort   schema.Rule = "lease-too-short"
	RuleWitnessShared   schema.Rule = "witness-shared"
	RuleDetectMisplaced schema.Rule = "detect-misplaced"
	RuleSchedule        schema.Rule = "schedule"
	RuleBound           schema.Rule = "bound"
	RuleName            schema.Rule = "name"
	RuleDuplicateName   schema.Rule = "duplicate-name"
	RuleExitCode        schema.Rule = "exit-code"
	RuleUnreadable      schema.Rule = "unreadable"
	RuleUnit            schema.Rule = "unit"
	RuleComposeName     schema.Rule = "compose-name"
	RuleHostPort        schema.Rule = "host-port"
	RuleURL             schema.Rule = "url"
	RuleAbsolutePath    schema.Rule = "absolute-path"
	RuleProgram         schema.Rule = "program"
	RuleExpand          schema.Rule = "expand"
	RuleTemplateName    schema.Rule = "template-name"
	RuleTemplateMissing schema.Rule = "template-missing"
	RuleTemplateInvalid schema.Rule = "template-invalid"
	RuleRepositoryPath  schema.Rule = "repository-path"
	RuleCredentials     schema.Rule = "credentials"
	RuleListen          schema.Rule = "listen"
	RuleAllowEverything schema.Rule = "allow-everything"
	RuleAllowCompose    schema.Rule = "allow-compose"
	RuleBranch          schema.Rule = "branch"
	RuleAddress         schema.Rule = "address"
	RuleSameAddress     schema.Rule = "same-address"
	RuleSocket          schema.Rule = "socket"
	RuleSignKey         schema.Rule = "sign-key"
	RulePolicy          schema.Rule = "policy"
	// RuleSameName is about two documents of one repository.
	RuleSameName schema.Rule = "same-name"
)

// DocumentRules lists the rules on the meaning of a document.
func DocumentRules() []schema.Rule {
	return []schema.Rule{
		RuleUnknownRole, RuleSideMissing, RuleSideForbidden, RuleSideTaken,
		RuleFollowsUnknown, RuleFollowsItself, RuleFollowsShared, RuleFollowsCycle, RuleFollowsSide,
		RuleFencedActive, RuleActiveEmpty, RuleLeaseTooShort, RuleWitnessShared, RuleDetectMisplaced,
		RuleSchedule, RuleBound, RuleName, RuleDuplicateName, RuleExitCode,
		RuleUnit, RuleComposeName, RuleHostPort, RuleURL, RuleAbsolutePath, RuleProgram,
		RuleAddress, RuleSameAddress, RuleExpand, RuleTemplateName, RuleTemplateMissing, RuleTemplateInvalid,
	}
}

// AgentRules lists the rules on the meaning of an agent's file.
func AgentRules() []schema.Rule {
	return []schema.Rule{
		RuleRepositoryPath, RuleCredentials, RuleURL, RuleBranch, RuleListen, RuleSocket, RuleSignKey, RulePolicy, RuleBound,
		RuleAllowEverything, RuleAllowCompose, RuleUnit, RuleAbsolutePath, RuleProgram,
	}
}
