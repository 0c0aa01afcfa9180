package server

import (
	"errors"
	"net"
	"os"
	"path/filepath"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/access"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

// CheckAccess reads the files that say who may ask over HTTP, and returns what is wrong with
// them.
func CheckAccess(cfg *config.Config, log logrus.FieldLogger) error {
	_, err := openGuard(cfg, log)
	return err
}

// openGuard returns who asks callers who they are; nil if nobody does.
func openGuard(cfg *config.Config, log logrus.FieldLogger) (*access.Guard, error) {
	if cfg.HTTP == "" || !cfg.Web.Protected() {
		return nil, nil
	}
	g, err := access.Open(access.Files{
		Config: cfg.Web.Config, Tokens: cfg.Web.Tokens, Admins: cfg.Web.Admins, Network: cfg.HTTPFromElsewhere(),
	}, log)
	var wrong *access.ConfigError
	if errors.As(err, &wrong) {
		err = &config.Error{Field: wrong.Field, Problem: wrong.Problem, Value: wrong.Value, Hint: wrong.Hint}
	}
	return g, err
}

// socketName is the socket in the data directory by which this machine's commands ask a
// server that asks others who they are. Who may open it is settled by its permissions: no
// secret lies on the disk, no command needs a certificate's name, and whoever can open it can
// read the data itself.
const socketName = "http.sock"

// protect has the HTTP server ask who calls, but for those who come through the socket.
func (s *Server) protect() {
	if s.guard == nil {
		return
	}
	s.web.Protect(s.guard)
	l, err := listenLocal(s.cfg.Data)
	if err != nil {
		s.log.WithError(err).Warn("commands with --data won't be let in: use --server and --token-file")
		return
	}
	s.local = l
}

// listenLocal binds the socket. It is never there without its permissions: it is made in a
// directory that only we may enter.
func listenLocal(data string) (l *net.UnixListener, err error) {
	private, err := os.MkdirTemp(data, ".s")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(private)) }()
	path := filepath.Join(private, "s")
	if l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"}); err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it moves, and forget removes it
	if err = os.Chmod(path, 0o600); err == nil {
		err = os.Rename(path, filepath.Join(data, socketName))
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}
