// trillian is Trillian's log server, its administration and its sequencer in one process, over its own storage in memory:
// all that a log of the first generation stands on, without a database. It makes a tree for each name that it's given,
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
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/client"
	"github.com/google/trillian/extension"
	sequencing "github.com/google/trillian/log"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/server/interceptor"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"github.com/google/trillian/util/election2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
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
		LogStorage:      memory.NewLogStorage(trees, nil),
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
