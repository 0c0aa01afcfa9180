package storage_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage"
)

func Example() {
	directory, err := os.MkdirTemp("", "skewatch-data")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)

	store, err := storage.Open(directory, storage.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	batch := []message.Message{
		{Received: 1e18, Raw: []byte("<13>Sep  9 01:46:40 web1 app: started")},
		{Received: 1e18 + 1, Raw: []byte("<13>Sep  9 01:46:40 web2 app: started")},
	}
	if err := store.Append(batch); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := store.Sync(ctx); err != nil { // now the senders may be told
		log.Fatal(err)
	}
	err = store.Messages(ctx, storage.Query{After: 1}, func(m *message.Message) error {
		fmt.Printf("%d %s %s\n", m.Sequence, m.ReceivedTime().Format("15:04:05"), m.Raw)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 2 01:46:40 <13>Sep  9 01:46:40 web2 app: started
}
