package rules

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A File is what one file of rules holds.
type File struct {
	Name  string
	Rules []*Rule
}

// mostBytes bounds a file of rules.
const mostBytes = 1 << 20

// Parse reads a file of rules. Nothing in it that isn't understood is passed over: the
// error joins an *Error for each thing that is wrong. The name is that of the file, for
// those.
func Parse(name string, from io.Reader) (*File, error) {
	text, err := io.ReadAll(io.LimitReader(from, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	d := &decoder{file: name, patterns: map[string]*pattern{}}
	if len(text) > mostBytes {
		d.fail(nil, "", "", "longer than 1 MiB", "divide it")
		return nil, errors.Join(d.errs...)
	}
	tree, err := parser.ParseBytes(text, 0)
	switch {
	case err != nil:
		d.syntaxError(err)
	case len(tree.Docs) > 1:
		d.fail(tree.Docs[1].Body, "", "", "a second document begins here", `remove the line "---" and all below it`)
	case len(tree.Docs) == 0 || tree.Docs[0].Body == nil:
		d.fail(nil, "", "", "no rules in this file", `write them as a list under "rules:"`)
	default:
		d.root(tree.Docs[0].Body)
	}
	if err := errors.Join(d.errs...); err != nil {
		return nil, err
	}
	return &File{name, d.rules}, nil
}

// A decoder walks the syntax tree and not decoded values, so that the place of each is
// known.
type decoder struct {
	file     string
	patterns map[string]*pattern
	rules    []*Rule
	errs     []error
}

func (d *decoder) fail(node ast.Node, field, value, problem, hint string) {
	line := 0
	if node != nil {
		line = node.GetToken().Position.Line
	}
	d.errs = append(d.errs, &Error{d.file, line, field, problem, value, hint})
}

func (d *decoder) syntaxError(err error) {
	e := &Error{File: d.file, Problem: "not YAML: " + err.Error(), Hint: "put expressions between single quotes"}
	var known yaml.Error
	if errors.As(err, &known) {
		e.Problem = "not YAML: " + known.GetMessage()
		if token := known.GetToken(); token != nil {
			e.Line = token.Position.Line
		}
	}
	d.errs = append(d.errs, e)
}

// A field is a key that a mapping may have.
type field struct {
	name string
	read func(node ast.Node, at string)
	must bool
}

// mapping reads the entries of a mapping, in the order of the fields.
func (d *decoder) mapping(node ast.Node, at string, fields ...field) {
	m, ok := node.(*ast.MappingNode)
	if !ok {
		d.fail(node, at, "", "not a group of settings", `write "key: value" beneath it, with one of: `+names(fields))
		return
	}
	if at != "" {
		at += "."
	}
	for _, entry := range m.Values {
		name := entry.Key.GetToken().Value
		if !slices.ContainsFunc(fields, func(f field) bool { return f.name == name }) {
			d.fail(entry.Key, at+name, "", "unknown key", "known here: "+names(fields))
		}
	}
	for _, f := range fields {
		i := slices.IndexFunc(m.Values, func(v *ast.MappingValueNode) bool { return v.Key.GetToken().Value == f.name })
		switch {
		case i >= 0:
			f.read(m.Values[i].Value, at+f.name)
		case f.must:
			d.fail(node, at+f.name, "", "missing", "")
		}
	}
}

func names(fields []field) string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return strings.Join(all, ", ")
}

// each calls read with every item of a list.
func (d *decoder) each(node ast.Node, at string, read func(node ast.Node, at string)) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		d.fail(node, at, "", "not a list", `begin each item with "- "`)
		return
	}
	for i, item := range list.Values {
		read(item, fmt.Sprintf("%s[%d]", at, i))
	}
}

// text returns a value as it was written, without quotes.
func (d *decoder) text(node ast.Node, at string) (string, bool) {
	switch n := node.(type) {
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.AliasNode, *ast.AnchorNode, *ast.TagNode:
		d.fail(node, at, "", "anchors, aliases and tags are not supported", "name a pattern under patterns, and write its name")
		return "", false
	case *ast.NullNode, *ast.MappingNode:
	case ast.ScalarNode:
		if text := n.GetToken().Value; text != "" {
			return text, true
		}
	}
	d.fail(node, at, "", "has no value", "write one, or remove the line")
	return "", false
}

// texts returns a value, or a list of them.
func (d *decoder) texts(node ast.Node, at string) (all []string) {
	if _, isList := node.(*ast.SequenceNode); !isList {
		if text, ok := d.text(node, at); ok {
			all = append(all, text)
		}
		return all
	}
	d.each(node, at, func(node ast.Node, at string) {
		if text, ok := d.text(node, at); ok {
			all = append(all, text)
		}
	})
	return all
}

func (d *decoder) root(node ast.Node) {
	d.mapping(node, "",
		field{"patterns", func(node ast.Node, at string) { d.each(node, at, d.named) }, false},
		field{"rules", func(node ast.Node, at string) { d.each(node, at, d.rule) }, true})
}
