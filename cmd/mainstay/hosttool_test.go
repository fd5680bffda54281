package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// hostTool plays the programs of a host's machine: apk finds what is there
// already, gh and curl talk to the host.
func hostTool(args []string) int {
	var err error
	switch args[0] {
	case "apk":
		err = apk(args[1:])
	case "gh":
		err = gh(args[1:])
	case "curl":
		err = curl(args[1:])
	default:
		err = fmt.Errorf("no such tool")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", args[0], err)
		return 22
	}
	return 0
}

func apk(args []string) error {
	if len(args) < 3 || args[0] != "add" || args[1] != "--no-cache" {
		return fmt.Errorf("unknown: %q", args)
	}
	for _, program := range args[2:] {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	return nil
}

// gh takes the one form of its command that is used.
func gh(args []string) error {
	want := []string{"pr", "comment", "7", "--repo", "voice/paris", "--edit-last", "--create-if-none", "--body-file", "-"}
	if !slices.Equal(args, want) {
		return fmt.Errorf("unknown: %q", args)
	}
	return post(os.Getenv("HOST_API")+"/gh/repos/voice/paris/issues/7/comments", http.Header{"Authorization": {os.Getenv("GH_TOKEN")}}, "body@-")
}

// curl is one for a machine that has none: it knows the options that are used.
func curl(args []string) error {
	var address, out, data string
	header := http.Header{}
	for len(args) > 0 {
		take := 2
		switch a := args[0]; {
		case a == "-fsSL" || a == "-fsS":
			take = 1
		case a == "-o":
			out = args[1]
		case (a == "-X" || a == "--request") && args[1] == http.MethodPost:
		case a == "-H" || a == "--header":
			name, value, _ := strings.Cut(args[1], ": ")
			header.Set(name, value)
		case a == "--data-urlencode":
			data = args[1]
		case strings.HasPrefix(a, "http"):
			take, address = 1, a
		default:
			return fmt.Errorf("unknown: %q", args)
		}
		args = args[take:]
	}
	if data != "" {
		return post(address, header, data)
	}
	res, err := http.Get(address)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %v", res.Status, err)
	}
	return os.WriteFile(out, body, 0o644)
}

func contentOf(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(file)
}

// post sends NAME@FILE as a form; - is what is read.
func post(address string, header http.Header, data string) error {
	name, file, _ := strings.Cut(data, "@")
	text, err := contentOf(file)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(url.Values{name: {string(text)}}.Encode()))
	if err != nil {
		return err
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", res.Status)
	}
	return nil
}
