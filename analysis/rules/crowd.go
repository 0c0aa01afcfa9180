package rules

import (
	"encoding/json"
	"fmt"

	"github.com/skewatch/skewatch/analysis"
)

// A crowd is a warning that a rule holds for more keys than are told one by one, or that
// more keys came than can be followed.
type crowd struct {
	Since, Last int64  // Unix ns
	Total       uint64 // keys since it was raised; 0 while it isn't
	Told        uint64 // the same when it was last told

	silent, evicted uint64 // the rule's counts when the crowd was last looked at
	changed         bool   // since the last snapshot
}

// crowdSubject stands for the keys that aren't told one by one. No key is written so.
const crowdSubject = "many"

// speakOfCrowd tells when a rule's crowd begins, has grown tenfold, and is over.
func (e *Engine) speakOfCrowd(r *Rule, now int64) {
	s := e.states[r]
	c := &s.crowd
	if more := s.silent - c.silent + s.evicted - c.evicted; more > 0 {
		if c.Total == 0 {
			c.Since = now
		}
		c.Total, c.Last, c.changed = c.Total+more, now, true
		c.silent, c.evicted = s.silent, s.evicted
	}
	switch {
	case c.Total == 0:
	case c.Told == 0:
		e.sayCrowd(r.Name, r.Severity, c, analysis.Raise, now)
	case now-c.Last > r.span():
		e.sayCrowd(r.Name, r.Severity, c, analysis.Clear, now)
		*c = crowd{silent: s.silent, evicted: s.evicted, changed: true}
	case c.Total >= 10*c.Told:
		e.sayCrowd(r.Name, r.Severity, c, analysis.Change, now)
	}
}

func (e *Engine) sayCrowd(rule string, s analysis.Severity, c *crowd, kind analysis.EventKind, now int64) {
	c.Told, c.changed = c.Total, true
	e.found = append(e.found, analysis.Finding{Rule: &analysis.RuleEvent{
		Time: unixUTC(now), Kind: kind, Severity: s, Rule: rule, Subject: crowdSubject, Count: c.Total,
		First: unixUTC(c.Since), Last: unixUTC(c.Last),
		Text: fmt.Sprintf("%d more keys than are told one by one (%d at once) or can be followed (%d at once, of all rules): search tells who they are",
			c.Total, e.limits.Told, e.limits.Keys),
	}})
}

// crowdStates returns the crowds that have changed.
func (e *Engine) crowdStates() (changed []State) {
	for _, r := range e.set.rules {
		c := &e.states[r].crowd
		if !c.changed {
			continue
		}
		c.changed = false
		s := State{Key: windowKey{r, crowdSubject}.name()}
		if c.Total > 0 {
			blob, err := json.Marshal(c)
			if err != nil {
				panic("rules: " + err.Error()) // it holds numbers only
			}
			s.Blob = blob
		}
		changed = append(changed, s)
	}
	return changed
}

// restoreCrowd puts a crowd back, or ends what people were told of one whose rule there isn't
// any more.
func (e *Engine) restoreCrowd(rule string, blob []byte) error {
	var c crowd
	if err := json.Unmarshal(blob, &c); err != nil {
		return fmt.Errorf("restore what the rule %s knows of its crowd: %w", rule, err)
	}
	for _, r := range e.set.rules {
		if r.Name == rule {
			e.states[r].crowd = c
			return nil
		}
	}
	e.gone = append(e.gone, windowKey{&Rule{Name: rule}, crowdSubject})
	e.sayCrowd(rule, analysis.Warn, &c, analysis.Clear, c.Last)
	return nil
}
