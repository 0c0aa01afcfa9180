package config

import "fmt"

// An origin is where the value of a setting came from.
type origin struct {
	source source
	name   string // of the file, variable, flag or profile
	line   int    // in the file
}

// source is a kind of origin. A later one wins over an earlier one.
type source uint8

// The sources of values.
const (
	fromDefault source = iota
	fromProfile
	fromFile
	fromEnvironment
	fromFlag
)

// String returns the origin as "config show" prints it.
func (o origin) String() string {
	switch o.source {
	case fromProfile:
		return "profile " + o.name
	case fromFile:
		return fmt.Sprintf("file %s:%d", o.name, o.line)
	case fromEnvironment:
		return "env " + o.name
	case fromFlag:
		return "flag " + o.name
	}
	return "default"
}

// A loader fills a Config from one source after the other and gathers what is
// wrong.
type loader struct {
	config   *Config
	settings []setting
	errs     []error
	faulty   []string // keys that couldn't be read; "" for a whole file
	together bool     // all are read, and checked together
}

func newLoader() *loader {
	c := &Config{origins: map[string]origin{}}
	return &loader{config: c, settings: c.settings()}
}

// defaults gives each setting its preset.
func (l *loader) defaults() {
	for _, s := range l.settings {
		if s.preset != nil {
			l.assign(s, s.preset, origin{})
		}
	}
}

// assign gives a setting the texts that came from one place.
func (l *loader) assign(s setting, texts []string, from origin) {
	for _, f := range s.set(texts) {
		l.fail(s.key, from, texts[f.index], f)
	}
	l.config.origins[s.key] = from
}

// fail reports a fault in what was given for field, a key. The error names what
// the user wrote: the key if it was in a file, else the variable or flag. Once all is read,
// nothing more is said of what couldn't be.
func (l *loader) fail(field string, from origin, value string, f fault) {
	if l.together && l.unread(field) {
		return
	}
	if !l.together {
		l.faulty = append(l.faulty, field)
	}
	if f.hidden {
		value = ""
	}
	e := &Error{Field: field, Problem: f.problem, Value: value, Hint: f.hint}
	switch from.source {
	case fromFile:
		e.File, e.Line = from.name, from.line
	case fromEnvironment, fromFlag:
		e.Field = from.name
	}
	l.errs = append(l.errs, e)
}
