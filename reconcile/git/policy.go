package git

import (
	"errors"
	"fmt"

	"mainstay/reconcile/git/signature"
	"mainstay/spec"
)

// UnknownSigners returns the identities of a policy that nobody goes by whom a file of allowed
// signers names, or why that file cannot be used.
func UnknownSigners(p *spec.Policy, file string) error {
	signers, err := signature.Read(file)
	if err != nil {
		return err
	}
	var errs []error
	for _, field := range spec.PolicyFields() {
		for _, identity := range p.Who(field) {
			if !signers.Known(identity) {
				errs = append(errs, fmt.Errorf("verify.policy.%s names %s, whom nobody of verify.allowedSigners goes by", field, identity))
			}
		}
	}
	return errors.Join(errs...)
}

// UsableNodeKeys returns why a file of the nodes' own keys cannot be used.
func UsableNodeKeys(file string) error {
	keys, err := signature.ReadNodeKeys(file)
	if err == nil && len(keys) == 0 {
		err = errors.New("it names no key")
	}
	return err
}
