package webpage

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/console/signin"
)

// UserCommand is the command that keeps the file of users. ends is what its help says
// of exit codes.
func UserCommand(in io.Reader, out, errs io.Writer, ends string) *cobra.Command {
	group := &cobra.Command{Use: "user", Short: "Keep the users who may sign in at the page", Long: "user keeps the file of users who may sign in at the page.\n" + ends}
	var one signin.User
	var role, file string
	var without bool
	add := &cobra.Command{
		Use:   "add NAME --role ROLE --users FILE",
		Short: "Add a user, or change one",
		Long: "add writes a user into the file, in place of one of that name. It asks for the password on a\n" +
			"terminal, and reads it from standard input elsewhere. The roles are read, switch, which commits\n" +
			"what nothing speaks against, and override, which may name what speaks against it. Commits carry\n" +
			"the full name and the e-mail address. To take a user out, delete the entry from the file: the\n" +
			"sessions of that user end at once.\n" + ends,
		Example: "  mainstay console user add ada --role switch --name 'Ada Example' --email ada@example.org --users users.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			one.Name, one.Role = args[0], signin.Role(role)
			if without {
				if err := signin.AddWithout(file, one); err != nil {
					return err
				}
				_, err := fmt.Fprintf(out, "%s may come by single sign-on or a proxy, with the role %s\n", one.Name, role)
				return err
			}
			password, err := typed(c.Context(), in, errs)
			if err != nil {
				return err
			}
			if err := signin.Add(file, one, password); err != nil {
				return err
			}
			_, err = fmt.Fprintf(out, "%s may sign in, with the role %s\n", one.Name, role)
			return err
		},
	}
	f := add.Flags()
	f.StringVar(&role, "role", "", "read, switch or override")
	f.StringVar(&one.FullName, "name", "", "the full name, for commits")
	f.StringVar(&one.Email, "email", "", "the e-mail address, for commits")
	f.StringVar(&file, "users", "", "the file of users")
	f.BoolVar(&without, "no-password", false, "let the user in by single sign-on or a proxy alone")
	_ = add.MarkFlagRequired("role")
	_ = add.MarkFlagRequired("users")
	group.AddCommand(add)
	return group
}

// typed reads a password: twice and unseen on a terminal, else a line of the input.
func typed(ctx context.Context, in io.Reader, errs io.Writer) (string, error) {
	f, ok := in.(*os.File)
	if !ok || !ui.IsTerminal(f) {
		line, err := ui.Answer(ctx, in)
		if err != nil && line == "" {
			return "", wrong{fmt.Errorf("read the password: %w", err), "give it as one line of standard input"}
		}
		return line, nil
	}
	var said [2]string
	for i, ask := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(errs, ask)
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(errs)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		said[i] = string(text)
	}
	if said[0] != said[1] {
		return "", wrong{fmt.Errorf("the two passwords differ, and nothing was changed"), "type the same one twice"}
	}
	return said[0], nil
}

// Visitor writes a file of users with one who may do everything, under a password that
// nobody else knows.
func Visitor(file string) (name, password string, err error) {
	one := signin.User{Name: "demo", FullName: "Demo", Email: "demo@example.org", Role: signin.Override}
	password = rand.Text()
	return one.Name, password, signin.Add(file, one, password)
}
