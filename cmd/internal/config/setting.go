package config

import (
	"slices"
	"strings"
)

// A setting is the declaration of one thing that can be configured.
type setting struct {
	key    string   // path in the YAML file
	flag   string   // "" if only the file can set it
	arg    string   // stands for the value in usage text
	usage  string   // one phrase
	preset []string // the default, written as a user would; nil for none
	rare   bool     // only shown where it isn't the default

	binding // how texts reach the Config; nil if items is set

	// items makes room for n mappings under the key, each with settings of its own.
	items func(n int) [][]setting

	// example is how an item begins: with the first of its settings, which it must have.
	example string
}

// A binding ties a setting to its field in a Config.
type binding interface {
	set(texts []string) []fault // leaves the field alone if there is a fault
	texts() []string            // the field as a user would write it
	many() bool                 // takes a list
}

// A kind is a type of values: how they are read and written. The format of a
// parsed value parses to the same value.
type kind[T any] struct {
	parse  func(text string) (T, *fault)
	format func(T) string
}

// one binds a field that holds a single value.
func one[T any](at *T, k kind[T]) binding { return &single[T]{at, k} }

type single[T any] struct {
	at *T
	kind[T]
}

func (s *single[T]) set(texts []string) []fault {
	v, f := s.parse(texts[0])
	if f != nil {
		return []fault{*f}
	}
	*s.at = v
	return nil
}

func (s *single[T]) texts() []string { return []string{s.format(*s.at)} }
func (s *single[T]) many() bool      { return false }

// list binds a field that holds several values. No text at all, or one empty
// text, is the empty list.
func list[T any](at *[]T, k kind[T]) binding { return &several[T]{at, k} }

type several[T any] struct {
	at *[]T
	kind[T]
}

func (s *several[T]) set(texts []string) []fault {
	if len(texts) == 1 && texts[0] == "" {
		texts = nil
	}
	values := make([]T, 0, len(texts))
	var faults []fault
	for i, text := range texts {
		v, f := s.parse(text)
		if f == nil && repeated(texts[:i], text) {
			f = &fault{problem: "given twice", hint: "remove one"}
		}
		if f != nil {
			f.index = i
			faults = append(faults, *f)
		}
		values = append(values, v)
	}
	if len(faults) == 0 {
		*s.at = values
	}
	return faults
}

// repeated reports whether text stands in earlier. Addresses with port 0 may:
// each is another port.
func repeated(earlier []string, text string) bool {
	return slices.Contains(earlier, text) && !strings.HasSuffix(text, ":0")
}

func (s *several[T]) texts() []string {
	texts := make([]string, len(*s.at))
	for i, v := range *s.at {
		texts[i] = s.format(v)
	}
	return texts
}

func (s *several[T]) many() bool { return true }
