package server

// Freeze has the store take nothing until thaw is called.
func (s *Server) Freeze() (thaw func()) {
	s.keeper.order.Lock()
	return s.keeper.order.Unlock
}

// Late returns how many messages count as held up before they arrived.
func (s *Server) Late() uint64 { return s.sample().Late }
