// trillian is Trillian's log server, its administration and its sequencer in one process, over its own storage in memory:
// all that a log of the first generation stands on, without a database. That storage takes a leaf in as often as it comes; the ones
// with a database take it in once, so here it's taken in once, too. It makes a tree for each name that it's given,
// and prints the tree's number.
//
// usage: trillian ADDRESS NAME...
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/client"
	"github.com/google/trillian/extension"
	sequencing "github.com/google/trillian/log"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/server/interceptor"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"github.com/google/trillian/util/election2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: trillian ADDRESS NAME...")
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	trees := memory.NewTreeStorage()
	registry := extension.Registry{
		AdminStorage:    memory.NewAdminStorage(trees),
		LogStorage:      &once{LogStorage: memory.NewLogStorage(trees, nil), taken: map[string]*trillian.LogLeaf{}},
		ElectionFactory: election2.NoopFactory{},
		QuotaManager:    quota.Noop(),
	}
	served := grpc.NewServer(grpc.UnaryInterceptor(interceptor.ErrorWrapper))
	trillian.RegisterTrillianAdminServer(served, admin.New(registry, nil))
	trillian.RegisterTrillianLogServer(served, server.NewTrillianLogRPCServer(registry, clock.System))
	sequencer := sequencing.NewOperationManager(sequencing.OperationInfo{
		Registry:    registry,
		BatchSize:   1000,
		NumWorkers:  2,
		RunInterval: 50 * time.Millisecond,
		TimeSource:  clock.System,
	}, sequencing.NewSequencerManager(registry, 0))
	go sequencer.OperationLoop(context.Background())
	go plant(os.Args[1], os.Args[2:])
	log.Fatal(served.Serve(listener))
}

// once is a storage that knows what it has taken in.
type once struct {
	storage.LogStorage
	mutex sync.Mutex
	taken map[string]*trillian.LogLeaf
}

func (o *once) QueueLeaves(
	ctx context.Context, tree *trillian.Tree, leaves []*trillian.LogLeaf, at time.Time,
) ([]*trillian.QueuedLogLeaf, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	queued := make([]*trillian.QueuedLogLeaf, len(leaves))
	for i, leaf := range leaves {
		identity := fmt.Sprintf("%d %x", tree.TreeId, leaf.LeafIdentityHash)
		if taken, isTaken := o.taken[identity]; isTaken {
			queued[i] = &trillian.QueuedLogLeaf{Leaf: taken, Status: status.New(codes.AlreadyExists, "the leaf is there").Proto()}
			continue
		}
		made, err := o.LogStorage.QueueLeaves(ctx, tree, []*trillian.LogLeaf{leaf}, at)
		if err != nil {
			return nil, err
		}
		queued[i], o.taken[identity] = made[0], leaf
	}
	return queued, nil
}

// plant makes the trees, by the same interface as everybody.
func plant(address string, names []string) {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	for _, name := range names {
		request := &trillian.CreateTreeRequest{Tree: &trillian.Tree{
			TreeState:       trillian.TreeState_ACTIVE,
			TreeType:        trillian.TreeType_LOG,
			DisplayName:     name,
			MaxRootDuration: durationpb.New(time.Hour),
		}}
		tree, err := client.CreateAndInitTree(
			context.Background(), request, trillian.NewTrillianAdminClient(connection), trillian.NewTrillianLogClient(connection))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %d\n", name, tree.TreeId)
	}
}
