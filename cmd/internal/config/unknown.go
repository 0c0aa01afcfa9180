package config

import (
	"fmt"
	"strings"
)

// unknownHint returns the remedy for an unknown key: the one that was probably
// meant, or all that are known in its section.
func unknownHint(at, name string, table []setting) string {
	here := names(table, at)
	if near := Nearest(name, here); near != "" {
		return fmt.Sprintf("write %q", near)
	}
	if near := elsewhere(name, table); near != "" {
		return "write " + placed(near)
	}
	return "known here: " + strings.Join(here, ", ")
}

// meant returns the key that an unknown one in the section at was likely to be, "" if none is
// near.
func meant(at, name string, table []setting) string {
	if near := Nearest(name, names(table, at)); near != "" {
		return at + near
	}
	return elsewhere(name, table)
}

// elsewhere returns the key that is nearest to one that doesn't exist, "" if none
// is near. The unknown key may be a flag's name, or lack its section.
func elsewhere(unknown string, table []setting) string {
	keys := map[string]string{}
	var candidates []string
	for _, s := range table {
		_, name, _ := strings.Cut(s.key, ".")
		for _, alias := range []string{s.key, s.flag, name} {
			if alias != "" {
				keys[alias] = s.key
				candidates = append(candidates, alias)
			}
		}
	}
	return keys[Nearest(unknown, candidates)]
}

// placed says how a key is written in the file.
func placed(key string) string {
	section, name, nested := strings.Cut(key, ".")
	if !nested {
		return fmt.Sprintf("%q", key)
	}
	return fmt.Sprintf("%q beneath %q", name, section)
}
