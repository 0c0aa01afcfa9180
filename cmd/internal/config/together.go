package config

import (
	"slices"
	"strings"
)

// checkTogether checks what settings must be together. Of one that couldn't be read nothing is
// known, and nothing follows from it.
func (l *loader) checkTogether() {
	l.together = true
	l.checkWeb()
	l.settleProfile()
	l.checkTLS()
	l.checkNotify()
	l.checkForward()
	l.checkReports()
	l.checkShared()
}

// unread reports whether any of these settings, or something in them or around them, couldn't
// be read.
func (l *loader) unread(keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool {
		return slices.ContainsFunc(l.faulty, func(f string) bool { return f == "" || f == key || within(f, key) || within(key, f) })
	})
}

// within reports whether a key belongs to a section, an item or a list.
func within(key, outer string) bool {
	rest, inside := strings.CutPrefix(key, outer)
	return inside && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "["))
}
