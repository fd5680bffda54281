package plan

// ClaimRef returns the ref that carries the claim of an exclusive role.
func ClaimRef(deployment, role string) string {
	return "refs/mainstay/" + deployment + "/claim/" + role
}

// ReportRef returns the ref that carries a node's report.
func ReportRef(deployment, node string) string {
	return "refs/mainstay/" + deployment + "/report/" + node
}
