package client

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
	"github.com/skewatch/skewatch/storage"
)

// DefaultURL is where a server answers unless it is told otherwise.
const DefaultURL = "http://127.0.0.1:8514"

// A Place is where answers can be had: from a server, or from a data directory and
// whoever runs on it.
type Place struct {
	Server *url.URL // nil for the one in Data
	Data   string   // "" for the local server
	Config *config.Config
	Log    logrus.FieldLogger
}

// A Found is a desk to be closed after use.
type Found struct {
	api.Desk
	Close func() error
}

// Find returns whoever answers for a place: the server named, or the one that runs
// on the data directory, or the files there when none runs.
func (p Place) Find() (Found, error) {
	switch {
	case p.Server != nil:
		return found(p.Server), nil
	case p.Data == "":
		return p.local()
	}
	if _, err := os.Stat(p.Data); errors.Is(err, fs.ErrNotExist) {
		return Found{}, &config.Error{Field: "--data", Problem: "no such directory", Value: p.Data,
			Hint: "give the directory that `skewatch serve --data` was started with"}
	}
	files, err := p.files()
	if errors.Is(err, storage.ErrInUse) {
		return p.running()
	}
	return files, err
}

// local asks the server on the default data directory, else the default address.
func (p Place) local() (Found, error) {
	if n, err := server.ReadNotice(p.Config.Data); err == nil && n.URL != "" {
		if u, err := url.Parse(n.URL); err == nil {
			return found(u), nil
		}
	}
	u, err := url.Parse(DefaultURL)
	return found(u), err
}

// running asks the server that has the data directory open.
func (p Place) running() (Found, error) {
	n, err := server.ReadNotice(p.Data)
	if err != nil {
		return Found{}, fmt.Errorf("a server has %s open, but doesn't say where it answers: %w", p.Data, err)
	}
	if n.URL == "" {
		return Found{}, &config.Error{Field: "--data", Problem: "the server there has its HTTP API turned off", Value: p.Data,
			Hint: "start it with --http, or stop it to read its files"}
	}
	u, err := url.Parse(n.URL)
	return found(u), err
}

func (p Place) files() (Found, error) {
	cfg := *p.Config
	cfg.Data = p.Data
	f, err := server.OpenFiles(&cfg, p.Log)
	if err != nil {
		return Found{}, err
	}
	return Found{f, f.Close}, nil
}

func found(u *url.URL) Found { return Found{NewHTTP(u), func() error { return nil }} }
