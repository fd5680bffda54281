package spec

import (
	"io/fs"
	"path"

	"mainstay/schema"
)

// loadFS is Load for a document in a tree: its templates are files below its own
// folder.
func loadFS(tree fs.FS, name string) (*Deployment, []schema.Problem) {
	data, err := readBounded(tree, name)
	if err != nil {
		return nil, []schema.Problem{unreadable(name, err)}
	}
	read := func(template string) ([]byte, error) { return readBounded(tree, path.Join(path.Dir(name), template)) }
	return Load(name, data, read)
}

// shapeRules lists the rules on the shape of a file.
func shapeRules() []schema.Rule {
	return []schema.Rule{
		schema.RuleSize, schema.RuleEncoding, schema.RuleEmpty, schema.RuleSyntax, schema.RuleSecondDocument, schema.RuleDuplicateKey, schema.RuleMergeKey,
		schema.RuleKeyType, schema.RuleTag, schema.RuleScalar, schema.RuleExpansion, schema.RuleUnknownKey, schema.RuleMissing, schema.RuleEnum, schema.RuleType,
		schema.RulePattern, schema.RuleLength, schema.RuleRange, schema.RuleTwice, schema.RuleOneOf, schema.RuleCompanion,
	}
}

// documentRules lists the rules on the meaning of a document.
func documentRules() []schema.Rule {
	return []schema.Rule{
		RuleUnknownRole, RuleSideMissing, RuleSideForbidden, RuleSideTaken,
		RuleFollowsUnknown, RuleFollowsItself, RuleFollowsShared, RuleFollowsCycle, RuleFollowsSide,
		RuleFencedActive, RuleActiveEmpty, RuleFloatingShared, RuleLeaseTooShort, RuleWitnessShared, RuleDetectMisplaced,
		RuleSchedule, RuleBound, RuleName, RuleDuplicateName, RuleExitCode,
		RuleUnit, RuleComposeName, RuleHostPort, RuleURL, RuleAbsolutePath, RuleProgram,
		RuleAddress, RuleSameAddress, RuleExpand, RuleTemplateName, RuleTemplateMissing, RuleTemplateInvalid,
	}
}

// agentRules lists the rules on the meaning of an agent's file.
func agentRules() []schema.Rule {
	return []schema.Rule{
		RuleRepositoryPath, RuleCredentials, RuleURL, RuleBranch, RuleListen, RuleSocket, RuleSignKey, RulePolicy, RuleAlert, RuleBound, RuleCoordination,
		RuleAllowEverything, RuleAllowCompose, RuleUnit, RuleAbsolutePath, RuleProgram,
	}
}
