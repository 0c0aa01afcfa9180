package pages

// A Cursor goes through the keys of a bucket in order. Keys and values are valid until it
// moves on.
type Cursor struct {
	bucket  Bucket
	damaged func(Damage)
	visited func(id uint64, pages int) bool // by a check of the whole file; nil otherwise

	path  [maxDepth]frame // from the root down
	depth int
}

// maxDepth is how many pages lie above a key at most. With half-filled pages of two keys
// it is still enough for a million; circles end here if nowhere before.
const maxDepth = 24

// A frame is a page on the way to a key, and which of its elements comes next.
type frame struct {
	page
	room []byte // for the page, reused
	at   int
	high []byte // keys stay below; nil for no limit
}

// Cursor returns a cursor over the bucket. It calls damaged, which may be nil, with each
// page that it passes over.
func (b Bucket) Cursor(damaged func(Damage)) *Cursor {
	if damaged == nil {
		damaged = func(Damage) {}
	}
	return &Cursor{bucket: b, damaged: damaged}
}

// First goes to the first key. At the end of the bucket keys are nil, as with every move.
func (c *Cursor) First() (key, value []byte) {
	if !c.begin() {
		return nil, nil
	}
	c.top().at = -1
	return c.step(1)
}

// Last goes to the last key.
func (c *Cursor) Last() (key, value []byte) {
	if !c.begin() {
		return nil, nil
	}
	c.top().at = c.top().count
	return c.step(-1)
}

// Next goes to the key after this one.
func (c *Cursor) Next() (key, value []byte) { return c.step(1) }

// Prev goes to the key before this one.
func (c *Cursor) Prev() (key, value []byte) { return c.step(-1) }

// Seek goes to the key, or to the first that is greater.
func (c *Cursor) Seek(key []byte) (k, v []byte) {
	if c.descend(key) {
		c.top().at = c.top().search(key, true) - 1
	}
	return c.step(1)
}

// Floor goes to the key, or to the last that is less.
func (c *Cursor) Floor(key []byte) (k, v []byte) {
	if c.descend(key) {
		c.top().at = c.top().search(key, false)
	}
	return c.step(-1)
}

func (c *Cursor) top() *frame { return &c.path[c.depth-1] }

// begin goes to the root page.
func (c *Cursor) begin() bool {
	c.depth = 0
	if c.bucket.file == nil {
		return false
	}
	return c.push(c.bucket.root, nil, nil)
}

// push goes down to a page. If that is damaged it says so and stays.
func (c *Cursor) push(id uint64, low, high []byte) bool {
	if c.depth == maxDepth {
		c.damaged(Damage{id, "the tree is too deep"})
		return false
	}
	f := &c.path[c.depth]
	problem := ""
	if b := c.bucket.inline; c.depth == 0 && id == 0 && b != nil {
		f.room = append(f.room[:0], b...)
	} else if f.room, problem = c.bucket.file.read(id, f.room); problem == "" && c.visited != nil {
		if pages := len(f.room) / c.bucket.file.pageSize; !c.visited(id, pages) {
			problem = "the tree leads to it twice"
		}
	}
	if problem == "" {
		f.page, problem = parse(f.room, low, high)
	}
	if problem != "" {
		c.damaged(Damage{id, problem})
		return false
	}
	f.high = high
	c.depth++
	return true
}

// pushChild goes down to the page that the element at which the top frame is leads to.
func (c *Cursor) pushChild() bool {
	f := c.top()
	high := f.high
	if f.at+1 < f.count {
		high = f.key(f.at + 1)
	}
	return c.push(f.child(f.at), f.key(f.at), high)
}

// descend goes down to the leaf where a key belongs, and reports whether it got there: if
// not, the cursor is at the page that is in the way.
func (c *Cursor) descend(key []byte) bool {
	if !c.begin() {
		return false
	}
	for !c.top().leaf {
		c.top().at = max(0, c.top().search(key, false)-1)
		if !c.pushChild() {
			return false
		}
	}
	return true
}

// step goes to the next key (by 1) or the one before (by -1), past what is damaged.
func (c *Cursor) step(by int) (key, value []byte) {
	for c.depth > 0 {
		f := c.top()
		f.at += by
		if f.at < 0 || f.at >= f.count {
			c.depth--
			continue
		}
		if f.leaf {
			value, _ := f.value(f.at)
			return f.key(f.at), value
		}
		if c.pushChild() {
			c.top().at = -1
			if by < 0 {
				c.top().at = c.top().count
			}
		}
	}
	return nil, nil
}

// isBucket reports whether the key at which the cursor is is that of a bucket.
func (c *Cursor) isBucket() bool {
	f := c.top()
	_, flags := f.value(f.at)
	return flags&bucketFlag != 0
}
