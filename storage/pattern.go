package storage

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

// A Pattern is a regular expression that messages are searched for: it is matched
// against Raw, all of the frame as received. Bytes that are no UTF-8 count as U+FFFD.
type Pattern struct {
	literal []byte         // is in every match; empty if there is no such
	rest    *regexp.Regexp // nil if the expression says nothing more
}

// NewPattern returns the pattern of an expression in the syntax of package regexp.
func NewPattern(expr string) (*Pattern, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if text, only := onlyText(tree); only {
		return &Pattern{literal: text}, nil
	}
	return &Pattern{literal: requiredText(tree), rest: re}, nil
}

// match looks for the literal first: that is a hundred times as fast.
func (p *Pattern) match(raw []byte) bool {
	return bytes.Contains(raw, p.literal) && (p.rest == nil || p.rest.Match(raw))
}

// onlyText returns the text of an expression that matches one text and no other,
// wherever it stands.
func onlyText(re *syntax.Regexp) (text []byte, only bool) {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return nil, true
	case syntax.OpLiteral:
		return literalText(re)
	case syntax.OpCapture:
		return onlyText(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			part, ok := onlyText(sub)
			if !ok {
				return nil, false
			}
			text = append(text, part...)
		}
		return text, true
	}
	return nil, false
}

// literalText returns what a literal matches, if that is one sequence of bytes: any
// byte that is no UTF-8 matches U+FFFD, and nothing matches half a surrogate pair.
func literalText(re *syntax.Regexp) (text []byte, ok bool) {
	if re.Flags&syntax.FoldCase != 0 {
		return nil, false
	}
	for _, r := range re.Rune {
		if r == utf8.RuneError || !utf8.ValidRune(r) {
			return nil, false
		}
		text = utf8.AppendRune(text, r)
	}
	return text, true
}

// requiredText returns the longest text found that every match of an expression
// contains.
func requiredText(re *syntax.Regexp) []byte {
	if text, only := onlyText(re); only {
		return text
	}
	switch {
	case re.Op == syntax.OpConcat:
		return requiredOfParts(re.Sub)
	case re.Op == syntax.OpCapture, re.Op == syntax.OpPlus, re.Op == syntax.OpRepeat && re.Min >= 1:
		return requiredText(re.Sub[0])
	}
	return nil
}

// requiredOfParts is requiredText of expressions one behind the other.
func requiredOfParts(parts []*syntax.Regexp) (longest []byte) {
	consider := func(text []byte) {
		if len(text) > len(longest) {
			longest = text
		}
	}
	var joined []byte
	for _, part := range parts {
		if text, only := onlyText(part); only {
			joined = append(joined, text...)
			continue
		}
		consider(joined)
		joined = nil
		consider(requiredText(part))
	}
	consider(joined)
	return longest
}
