package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// file applies a YAML file that a flag or variable has named.
func (l *loader) file(flag string, named origin) {
	text, err := os.ReadFile(named.name)
	if err != nil {
		by := origin{source: named.source, name: "--" + flag}
		if named.source == fromEnvironment {
			by.name = EnvName(flag)
		}
		l.fail("", by, named.name, unreadable(err))
		return
	}
	l.yaml(named.name, text)
}

func unreadable(err error) fault {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault{problem: "no such file"}
	case errors.Is(err, fs.ErrPermission):
		return fault{problem: "no permission to read the file"}
	}
	return fault{problem: "can't read the file: " + Pathless(err).Error()}
}

// yaml applies the text of a YAML file. It walks the syntax tree and not decoded
// values: so each setting is judged as it was written, and its line is known.
func (l *loader) yaml(name string, text []byte) {
	f := file{loader: l, name: name}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		f.syntaxError(err)
		return
	}
	for i, document := range tree.Docs {
		if document.Body == nil {
			continue
		}
		if i > 0 {
			f.fail("", document.Body, "", fault{problem: "a second document begins here", hint: `remove the line "---" and all below it`})
			return
		}
		f.root(document.Body)
	}
}

// A file is a YAML file that is being applied.
type file struct {
	*loader
	name string
}

func (f *file) syntaxError(err error) {
	problem, line := err.Error(), 0
	var known yaml.Error
	if errors.As(err, &known) {
		problem = known.GetMessage()
		if token := known.GetToken(); token != nil {
			line = token.Position.Line
		}
	}
	f.loader.fail("", origin{fromFile, f.name, line}, "", fault{problem: "not YAML: " + problem,
		hint: `quote values that begin with a colon or an asterisk, such as ":514"`})
}

func (f *file) root(node ast.Node) {
	if m, ok := node.(*ast.MappingNode); ok {
		f.mapping(m, "", f.settings)
		return
	}
	f.fail("", node, "", fault{problem: "no settings in this file", hint: `write them as "key: value"`})
}

// mapping applies the entries of a section. Its settings are those in the table
// whose keys begin with at.
func (f *file) mapping(m *ast.MappingNode, at string, table []setting) {
	for _, entry := range m.Values {
		name := entry.Key.GetToken().Value
		s, isSetting := lookup(table, at, name)
		switch {
		case isSetting && s.items != nil:
			f.itemsOf(s, entry.Value)
		case isSetting:
			f.set(s, entry.Value)
		case isSection(table, at+name+"."):
			f.section(at+name, entry.Value, table)
		default:
			if near := meant(at, name, table); near != "" {
				f.faulty = append(f.faulty, near)
			}
			f.fail(at+name, entry.Key, "", fault{problem: "unknown key", hint: unknownHint(at, name, table)})
		}
	}
}

func (f *file) section(name string, node ast.Node, table []setting) {
	if m, ok := node.(*ast.MappingNode); ok {
		f.mapping(m, name+".", table)
		return
	}
	f.fail(name, node, "", fault{problem: "holds settings and takes no value itself",
		hint: "write beneath it: " + strings.Join(names(table, name+"."), ", ")})
}

// itemsOf applies a list of mappings.
func (f *file) itemsOf(s setting, node ast.Node) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		f.fail(s.key, node, "", fault{problem: "not a list", hint: `begin each item with "- "`})
		return
	}
	for i, table := range s.items(len(list.Values)) {
		at := fmt.Sprintf("%s[%d]", s.key, i)
		item, ok := list.Values[i].(*ast.MappingNode)
		if !ok {
			f.fail(at, list.Values[i], "", fault{problem: "not a group of settings", hint: fmt.Sprintf("write it as %q", "- "+s.example)})
			continue
		}
		f.mapping(item, at+".", table)
		if first := table[0]; f.config.origins[first.key] == (origin{}) {
			f.fail(first.key, item, "", fault{problem: "missing", hint: fmt.Sprintf("begin the item with it, such as %q", s.example)})
			f.config.origins[first.key] = f.origin(item) // where else it lacks something
		}
	}
}

// set gives a setting the scalar or the list of scalars in node.
func (f *file) set(s setting, node ast.Node) {
	nodes := []ast.Node{node}
	if list, ok := node.(*ast.SequenceNode); ok {
		if !s.many() {
			f.fail(s.key, node, "", fault{problem: "takes one value, not a list"})
			return
		}
		nodes = list.Values
	}
	given := make([]string, len(nodes))
	for i, n := range nodes {
		text, bad := scalar(n)
		if bad != nil {
			f.fail(s.key, n, "", *bad)
			return
		}
		given[i] = text
	}
	for _, bad := range s.set(given) {
		field := s.key
		if s.many() {
			field = fmt.Sprintf("%s[%d]", s.key, bad.index)
		}
		f.fail(field, nodes[bad.index], given[bad.index], bad)
	}
	f.config.origins[s.key] = f.origin(node)
}

// scalar returns the text of a value as it was written, without quotes: -0530 is
// a zone and no number.
func scalar(node ast.Node) (string, *fault) {
	switch n := node.(type) {
	case *ast.NullNode:
		return "", &fault{problem: "has no value", hint: `remove the line for the default, or write "" for none`}
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.MappingNode:
		return "", &fault{problem: "takes a value, not settings beneath it"}
	case *ast.AliasNode, *ast.AnchorNode, *ast.TagNode:
		return "", &fault{problem: "anchors, aliases and tags are not supported", hint: "write the value itself"}
	case ast.ScalarNode:
		return n.GetToken().Value, nil
	}
	return "", &fault{problem: "not a value"}
}

func (f *file) fail(field string, node ast.Node, value string, what fault) {
	f.loader.fail(field, f.origin(node), value, what)
}

func (f *file) origin(node ast.Node) origin {
	return origin{fromFile, f.name, node.GetToken().Position.Line}
}

// lookup returns the setting that has this name in the section at. A name with a
// dot is none, or a setting could stand in the file twice.
func lookup(table []setting, at, name string) (setting, bool) {
	i := slices.IndexFunc(table, func(s setting) bool { return s.key == at+name })
	if i < 0 || strings.Contains(name, ".") {
		return setting{}, false
	}
	return table[i], true
}

func isSection(table []setting, at string) bool { return len(names(table, at)) > 0 }

// names returns the names of the keys directly in the section at.
func names(table []setting, at string) []string {
	var found []string
	for _, s := range table {
		if rest, ok := strings.CutPrefix(s.key, at); ok {
			name, _, _ := strings.Cut(rest, ".")
			found = append(found, name)
		}
	}
	return slices.Compact(found)
}
