package api

import (
	"path"
	"strings"
)

// MatchHost reports whether a host's name matches a glob in lower case; "" matches all.
// A slash in a name is a character as any other: Cisco's hold some.
func MatchHost(glob, host string) bool {
	if glob == "" {
		return true
	}
	ok, err := path.Match(flat(glob), flat(strings.ToLower(host)))
	return ok && err == nil
}

func flat(text string) string { return strings.ReplaceAll(text, "/", "\x00") }

// GlobOf returns the glob that matches one name, in whatever case.
func GlobOf(host string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(strings.ToLower(host))
}
