package git

import "time"

const acceptedName = "accepted"

// Accepted is the newest document that verified and validated, with everything
// needed to act on it without git (design section 5).
type Accepted struct {
	Commit   string `json:"commit"`
	Path     string `json:"path"`
	Document []byte `json:"document"`
	// Templates maps paths in the repository to their content.
	Templates map[string][]byte `json:"templates,omitempty"`
	Author    string            `json:"author,omitempty"`
	Subject   string            `json:"subject,omitempty"`
	When      time.Time         `json:"when"`
}

// SaveAccepted keeps the accepted document on disk; see State.Save.
func (s *State) SaveAccepted(a Accepted) error { return s.Save(acceptedName, a) }

// LoadAccepted returns the accepted document; see State.Load.
func (s *State) LoadAccepted() (Accepted, error) {
	var a Accepted
	if err := s.Load(acceptedName, &a); err != nil {
		return Accepted{}, err
	}
	return a, nil
}
