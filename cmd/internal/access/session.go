package access

import (
	"sync"
	"time"
)

// How long a session lasts, and how many a user has.
const (
	SessionIdle   = 2 * time.Hour  // without a request
	SessionLength = 24 * time.Hour // in all
	userSessions  = 20             // beyond it the one that was idle for the longest ends
)

// sessions are kept in memory only: a restart ends them.
type sessions struct {
	mu   sync.Mutex
	byID map[digest]*session // by the hash of the ID
}

type session struct {
	name        string
	hash        string // of the password that began it: another one ends it
	begun, used time.Time
}

func (s *session) over(now time.Time) bool {
	return now.Sub(s.used) >= SessionIdle || now.Sub(s.begun) >= SessionLength
}

// Begin begins a session of a user who has shown the password, and returns its ID.
func (g *Guard) Begin(name string) (id string) {
	hash, now := g.current().users[name].hash, g.now()
	id = newSecret()
	g.sessions.mu.Lock()
	defer g.sessions.mu.Unlock()
	g.sessions.makeRoom(name, now)
	g.sessions.byID[digestOf(id)] = &session{name, hash, now, now}
	return id
}

// makeRoom ends what is over, and the oldest of a user's sessions if there are too many.
func (s *sessions) makeRoom(name string, now time.Time) {
	var oldest digest
	n := 0
	for id, of := range s.byID {
		switch {
		case of.over(now):
			delete(s.byID, id)
		case of.name == name:
			if n++; n == 1 || of.used.Before(s.byID[oldest].used) {
				oldest = id
			}
		}
	}
	if n >= userSessions {
		delete(s.byID, oldest)
	}
}

// Session returns whose session it is, or ErrSession.
func (g *Guard) Session(id string) (Caller, error) {
	r, now, at := g.current(), g.now(), digestOf(id)
	g.sessions.mu.Lock()
	defer g.sessions.mu.Unlock()
	s := g.sessions.byID[at]
	if s == nil {
		return Caller{}, ErrSession
	}
	u, exists := r.users[s.name]
	if s.over(now) || !exists || u.hash != s.hash {
		delete(g.sessions.byID, at)
		return Caller{}, ErrSession
	}
	s.used = now
	return Caller{s.name, u.role}, nil
}

// End ends a session, if there is one, and returns whose it was.
func (g *Guard) End(id string) (name string) {
	g.sessions.mu.Lock()
	defer g.sessions.mu.Unlock()
	if s := g.sessions.byID[digestOf(id)]; s != nil {
		name = s.name
		delete(g.sessions.byID, digestOf(id))
	}
	return name
}

// Sessions returns how many there are.
func (g *Guard) Sessions() int {
	now := g.now()
	g.sessions.mu.Lock()
	defer g.sessions.mu.Unlock()
	n := 0
	for _, s := range g.sessions.byID {
		if !s.over(now) {
			n++
		}
	}
	return n
}
