package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage"
)

// A Notice is the file in the data directory by which commands find the server that
// runs on it.
type Notice struct {
	URL    string              `json:"url"` // base of the HTTP API; "" if it is turned off
	PID    int                 `json:"pid"`
	Listen map[string][]string `json:"listen"` // the addresses of each transport

	// Socket is the name of a socket in the directory over which the API answers this
	// machine's commands; "" if they need none.
	Socket string `json:"socket,omitempty"`
}

const noticeName = "server.json"

// ReadNotice returns the notice in a data directory. The error is fs.ErrNotExist
// when none is there; a killed server leaves its own behind.
func ReadNotice(data string) (Notice, error) {
	var n Notice
	b, err := os.ReadFile(filepath.Join(data, noticeName))
	if err == nil {
		err = json.Unmarshal(b, &n)
	}
	return n, err
}

func writeNotice(data string, n Notice) error {
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return replace(filepath.Join(data, noticeName), b)
}

// replace writes a file that nobody ever finds half written.
func replace(path string, b []byte) error {
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// forget removes the notice and the socket.
func forget(data string) (err error) {
	for _, name := range []string{noticeName, socketName} {
		if failed := os.Remove(filepath.Join(data, name)); !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// announce says that the server is ready, and where: in the log, in the data
// directory and to systemd.
func (s *Server) announce() {
	n := s.Notice()
	if err := writeConfig(s.cfg); err != nil {
		s.log.WithError(err).Error("can't keep the configuration with the data: once the server has stopped, commands with --data fail or judge by an older one")
	}
	if err := writeNotice(s.cfg.Data, n); err != nil {
		s.log.WithError(err).Warn("commands with --data won't find this server: use --server")
	}
	where := logrus.Fields{"http": s.httpAddress(), "data": s.cfg.Data}
	for t := range message.Transport(message.Transports) {
		where[t.String()] = strings.Join(n.Listen[t.String()], ",")
	}
	s.log.WithFields(where).Info("ready")
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		s.log.WithError(err).Warn("can't notify systemd")
	}
}

// baseURL returns the base of the HTTP API, "" if it is turned off.
func (s *Server) baseURL() string {
	if s.http == nil {
		return ""
	}
	scheme := "http://"
	if s.guard != nil && s.guard.TLS() != nil {
		scheme = "https://"
	}
	return scheme + s.httpAddress()
}

// httpAddress returns where the HTTP API listens, "" if it is turned off.
func (s *Server) httpAddress() string {
	if s.http == nil {
		return ""
	}
	return s.http.Addr().String()
}

// Notice says where the server is.
func (s *Server) Notice() Notice {
	n := Notice{PID: os.Getpid(), URL: s.baseURL(), Listen: map[string][]string{}}
	if s.local != nil {
		n.Socket = socketName
	}
	for t := range message.Transport(message.Transports) {
		for _, a := range s.collector.Addrs(t) {
			n.Listen[t.String()] = append(n.Listen[t.String()], a.String())
		}
	}
	return n
}

// openError says what to do about a data directory that can't be opened.
func openError(err error, cfg *config.Config) error {
	switch {
	case errors.Is(err, storage.ErrInUse):
		return &config.Error{Field: "data", Problem: "another process has it open", Value: cfg.Data,
			Hint: "stop that server, or give this one another directory with --data"}
	case errors.Is(err, storage.ErrSchema):
		return &config.Error{Field: "data", Problem: err.Error(), Value: cfg.Data,
			Hint: "give another directory with --data: this one is read by the version that wrote it"}
	case errors.Is(err, fs.ErrPermission):
		problem := "no permission"
		var denied *fs.PathError
		if errors.As(err, &denied) && denied.Path != cfg.Data {
			problem += " to " + denied.Op + " " + filepath.Base(denied.Path)
		}
		return &config.Error{Field: "data", Problem: problem, Value: cfg.Data,
			Hint: "give a directory that this user can write with --data"}
	}
	return fmt.Errorf("open the data directory: %w", err)
}
