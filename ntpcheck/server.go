package ntpcheck

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

const (
	ntpPort = "123"
	ntsPort = "4460" // of the key exchange (RFC 8915, section 7.1)
)

// A Server is one entry of the configuration: a server, or a pool of them.
type Server struct {
	endpoint

	// Key is the number of the symmetric key by which queries and replies are
	// authenticated (RFC 5905, section 7.3); 0 for none.
	Key uint32

	// NTS says that keys are exchanged and replies authenticated by Network Time
	// Security (RFC 8915). The port is then the key exchange's, which names the
	// server to ask.
	NTS bool

	// Pool says that the name stands for many servers, of which several are asked.
	Pool bool
}

// An endpoint is a server as configured: a name or an address literal, and a
// port.
type endpoint struct{ host, port string }

func (e endpoint) String() string { return net.JoinHostPort(e.host, e.port) }

// ParseServer reads a server as chrony.conf writes it: a name, "host", "host:port"
// or "[v6]:port", and after a space how its replies are authenticated and whether
// it is a pool: "key 7", "nts", "pool". Without a port it is 123, with nts 4460.
// The error is a [*ConfigError] of the field "ntp-server".
func ParseServer(text string) (Server, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		words = []string{""}
	}
	var s Server
	problem, hint := s.readOptions(words[1:])
	if problem == "" {
		problem, hint = s.readName(words[0])
	}
	if problem != "" {
		return Server{}, &ConfigError{"ntp-server", problem, text, hint}
	}
	return s, nil
}

// Address returns the server's name with its port.
func (s Server) Address() string { return s.endpoint.String() }

// Places returns how many sources the entry may become.
func (s Server) Places() int {
	if s.Pool {
		return poolSize
	}
	return 1
}

func (s *Server) readOptions(words []string) (problem, hint string) {
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "nts":
			s.NTS = true
		case "pool":
			s.Pool = true
		case "key":
			i++
			if i == len(words) || !s.readKey(words[i]) {
				return "key has no number from 1 to 4294967295", `write "ntp1.example.net key 7"`
			}
		default:
			return fmt.Sprintf("unknown option %q", words[i]), `known are "key N", "nts" and "pool"`
		}
	}
	if s.NTS && s.Key != 0 {
		return "has both a key and nts", "keep one of them: either authenticates alone"
	}
	return "", ""
}

func (s *Server) readKey(word string) bool {
	n, err := strconv.ParseUint(word, 10, 32)
	s.Key = uint32(n)
	return err == nil && n != 0
}

func (s *Server) readName(word string) (problem, hint string) {
	port := ntpPort
	if s.NTS {
		port = ntsPort
	}
	s.endpoint = splitServer(word, port)
	if s.host == "" || strings.ContainsAny(s.host, "/,[]") {
		return "not a host name or address", `write "time.example.org", "192.0.2.1:123" or "[2001:db8::1]:123"`
	}
	if n, err := strconv.ParseUint(s.port, 10, 16); err != nil || n == 0 {
		return "port is not a number from 1 to 65535", fmt.Sprintf("write %q", net.JoinHostPort(s.host, port))
	}
	return "", ""
}

// splitServer takes what can't be split, such as a bare IPv6 address, as a host
// without a port.
func splitServer(s, port string) endpoint {
	if host, port, err := net.SplitHostPort(s); err == nil {
		return endpoint{strings.ToLower(host), port}
	}
	return endpoint{strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")), port}
}

// parseServers reads all servers. One listed twice would have two votes, and is
// refused.
func parseServers(texts []string) ([]Server, error) {
	var servers []Server
	seen := make(map[endpoint]bool)
	for i, text := range texts {
		field := fmt.Sprintf("ntp-server[%d]", i)
		s, err := ParseServer(text)
		if err != nil {
			wrong := *err.(*ConfigError)
			wrong.Field = field
			return nil, &wrong
		}
		if seen[s.endpoint] {
			return nil, &ConfigError{field, "listed twice, and each server has one vote", text, "leave it out here"}
		}
		seen[s.endpoint] = true
		servers = append(servers, s)
	}
	return servers, nil
}
