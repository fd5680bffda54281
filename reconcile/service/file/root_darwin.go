package file

import "os"

// openRoot opens a folder.
func openRoot(folder string) (*os.Root, error) { return os.OpenRoot(folder) }
