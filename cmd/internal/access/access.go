// Package access knows who may ask the HTTP server, and for what.
//
// Users and their passwords (bcrypt) stand in a web configuration file of Prometheus'
// exporter-toolkit, beside the certificates. Programs show bearer tokens, of which a file of
// our own holds the hashes. A browser logs in once and then shows the ID of its session.
package access

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Role is what a caller may do.
type Role string

// The roles.
const (
	Read  Role = "read"  // ask
	Admin Role = "admin" // also change something, such as silencing a warning
)

// A Caller is whoever sent a request.
type Caller struct {
	Name string // of the user or token; "" where nobody has to say who he is
	Role Role
}

// LocalName is the name of callers that came through the socket in the data directory.
const LocalName = "local"

type callerKey struct{}

// With returns a context of a request by that caller.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// Of returns the caller of a request; the zero Caller, which may do nothing, if the context
// is of none.
func Of(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// Named reports whether it is known who the caller is.
func (c Caller) Named() bool { return c.Name != "" && c.Name != LocalName }

// Author returns who is the author of what a request makes: the caller, or who it says where
// callers need not say who they are.
func Author(ctx context.Context, said string) string {
	if c := Of(ctx); c.Named() {
		return c.Name
	}
	return said
}

// Why a caller isn't let in.
var (
	ErrPassword = errors.New("wrong name or password") // returned alike when there is no such user
	ErrToken    = errors.New("no such token")
	ErrSession  = errors.New("no such session, or it has ended: log in again")
)

// A BusyError says that there were too many attempts to log in, and when to try again.
type BusyError struct{ After time.Duration }

func (e *BusyError) Error() string {
	return fmt.Sprintf("too many attempts to log in: try again in %v", e.After)
}

// A ConfigError is something in Files that can't be used.
type ConfigError struct {
	Field   string // the setting: web.config, web.tokens or web.admins
	Problem string
	Value   string
	Hint    string
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("access: %s: %s (got %q)", e.Field, e.Problem, e.Value)
}
