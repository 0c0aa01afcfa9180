package pages

// Check goes through the whole file: every page belongs to one bucket or to the list of
// free pages, once, and the keys are in order. It calls damaged with each page that isn't
// as it should be. A file without such is safe for bbolt to write.
func (f *File) Check(damaged func(Damage)) {
	k := check{file: f, damaged: damaged, seen: make([]bool, min(f.count, maxChecked))}
	k.visit(0, 2) // the meta pages
	c := f.buckets().Cursor(damaged)
	c.visited = k.visit
	for key, value := c.First(); key != nil; key, value = c.Next() {
		if b, ok := f.bucket(value); ok && c.isBucket() {
			k.walk(b)
		} else {
			damaged(Damage{f.root, "it holds something other than a bucket"})
		}
	}
	k.freelist()
	for id, seen := range k.seen {
		if !seen {
			damaged(Damage{uint64(id), "nothing leads to it"})
		}
	}
}

// maxChecked bounds the pages of a file that says it has more than can be: 4 TiB and up.
const maxChecked = 1 << 30

type check struct {
	file    *File
	damaged func(Damage)
	seen    []bool
}

// visit notes that pages are in use, and reports whether none was before.
func (k *check) visit(id uint64, pages int) bool {
	if id >= uint64(len(k.seen)) || uint64(pages) > uint64(len(k.seen))-id {
		return false
	}
	for i := range uint64(pages) {
		if k.seen[id+i] {
			return false
		}
		k.seen[id+i] = true
	}
	return true
}

func (k *check) walk(b Bucket) {
	c := b.Cursor(k.damaged)
	c.visited = k.visit
	for key, _ := c.First(); key != nil; key, _ = c.Next() {
		if c.isBucket() {
			k.damaged(Damage{c.bucket.root, "it holds a bucket in a bucket"})
		}
	}
}

// freelist reads the list of free pages: their numbers, rising. Where there are 65,535 or
// more, the first number is how many follow.
func (k *check) freelist() {
	id := k.file.freelist
	fail := func(problem string) { k.damaged(Damage{id, problem}) }
	b, problem := k.file.read(id, nil)
	if problem != "" {
		fail(problem)
		return
	}
	if order.Uint16(b[8:]) != freelistFlag {
		fail("it is no list of free pages")
		return
	}
	if !k.visit(id, len(b)/k.file.pageSize) {
		fail("the tree leads to it, too")
	}
	count, ids := uint64(order.Uint16(b[10:])), b[headerBytes:]
	if count == 0xFFFF {
		count, ids = order.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		fail("its number of pages is wrong")
		return
	}
	for i := range count {
		if !k.visit(order.Uint64(ids[8*i:]), 1) {
			fail("it has a page that is in use, or isn't there")
			return
		}
	}
}
