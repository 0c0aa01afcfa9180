package server

// Freeze has the store take nothing until thaw is called.
func (s *Server) Freeze() (thaw func()) {
	s.keeper.order.Lock()
	return s.keeper.order.Unlock
}
