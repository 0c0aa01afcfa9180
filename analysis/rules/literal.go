package rules

import (
	"regexp/syntax"
)

// mostLiterals is how many literals are looked for in the place of one expression.
const mostLiterals = 6

// leastLiteral is the shortest literal that is worth looking for.
const leastLiteral = 3

// requiredLiterals returns texts of which every match of an expression holds one; none if
// there are no such, or too many or too short ones. They are what the common message is
// told apart by, at a fraction of what the expression costs.
func requiredLiterals(expression string) (literals [][]byte) {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil
	}
	for _, text := range required(parsed.Simplify()) {
		literals = append(literals, []byte(text))
	}
	return literals
}

// required returns the best set of required texts of a part of an expression.
func required(e *syntax.Regexp) []string {
	switch e.Op {
	case syntax.OpLiteral:
		if e.Flags&syntax.FoldCase == 0 && len(string(e.Rune)) >= leastLiteral {
			return []string{string(e.Rune)}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(e.Sub[0])
	case syntax.OpRepeat:
		if e.Min > 0 {
			return required(e.Sub[0])
		}
	case syntax.OpConcat:
		return requiredInRow(e)
	case syntax.OpAlternate:
		var all []string
		for _, sub := range e.Sub {
			texts := required(sub)
			if len(texts) == 0 {
				return nil
			}
			all = append(all, texts...)
		}
		if len(all) <= mostLiterals {
			return all
		}
	}
	return nil
}

// requiredInRow returns the best set of what parts in a row require. Literals that follow
// one another are one.
func requiredInRow(e *syntax.Regexp) (best []string) {
	run := &syntax.Regexp{Op: syntax.OpLiteral}
	for _, sub := range flat(nil, e) {
		if sub.Op == syntax.OpLiteral && sub.Flags&syntax.FoldCase == 0 {
			run.Rune = append(run.Rune, sub.Rune...)
			sub = run
		} else {
			run = &syntax.Regexp{Op: syntax.OpLiteral}
		}
		if texts := required(sub); better(texts, best) {
			best = texts
		}
	}
	return best
}

// flat appends the parts of an expression that stand in a row, groups dissolved.
func flat(row []*syntax.Regexp, e *syntax.Regexp) []*syntax.Regexp {
	switch e.Op {
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range e.Sub {
			row = flat(row, sub)
		}
		return row
	}
	return append(row, e)
}

// better reports whether one set of texts rules out more than another: the shortest of
// it is longer, and of those that are as long the smaller one.
func better(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) > 0
	}
	if x, y := shortest(a), shortest(b); x != y {
		return x > y
	}
	return len(a) < len(b)
}

func shortest(texts []string) int {
	least := len(texts[0])
	for _, t := range texts {
		least = min(least, len(t))
	}
	return least
}
