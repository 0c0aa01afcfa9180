package client

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"

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
	Server  *url.URL // nil for the one on Data
	Data    string   // "" for the local server
	Default string   // the data directory of a local server
	Proof   Proof    // for a server that wants one
	Log     logrus.FieldLogger
}

// A Found is a desk to be closed after use.
type Found struct {
	api.Desk
	Close func() error
}

// Find returns whoever answers for a place: the server named, or the one that runs
// on the data directory, or the files there when none runs.
func (p Place) Find() (Found, error) {
	if p.Server != nil || p.Data == "" {
		return p.FindServer()
	}
	files, err := server.OpenFiles(p.Data, p.Log)
	switch {
	case errors.Is(err, storage.ErrInUse):
		return p.FindServer()
	case errors.Is(err, fs.ErrNotExist):
		return Found{}, &config.Error{Field: "--data", Problem: "no server has kept its data there", Value: p.Data,
			Hint: "give the directory that `skewatch serve --data` was started with"}
	case err != nil:
		return Found{}, err
	}
	return Found{files, files.Close}, nil
}

// ErrNoNotice is returned while no server says that it runs on the data directory.
var ErrNoNotice = errors.New("no server there says where it answers")

// FindServer is Find for those who want a server and no files: those hold the data
// directory, and keep a server from starting on it.
func (p Place) FindServer() (Found, error) {
	switch {
	case p.Server != nil:
		return p.running(p.Server)
	case p.Data == "":
		return p.local()
	}
	n, err := server.ReadNotice(p.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Found{}, fmt.Errorf("%s: %w", p.Data, ErrNoNotice)
	case err != nil:
		return Found{}, fmt.Errorf("read where the server on %s answers: %w", p.Data, err)
	case n.URL == "":
		return Found{}, &config.Error{Field: "--data", Problem: "the server there has its HTTP API turned off", Value: p.Data,
			Hint: "start it with --http, or stop it to read its files"}
	}
	return p.noticed(p.Data, n)
}

// local asks the server on the default data directory, else the default address.
func (p Place) local() (Found, error) {
	n, err := server.ReadNotice(p.Default)
	if err != nil || n.URL == "" {
		n.URL = DefaultURL
	}
	return p.noticed(p.Default, n)
}

func (p Place) running(u *url.URL) (Found, error) {
	c, err := p.Proof.at(u)
	return Found{c, func() error { return nil }}, err
}
