// Finds a service's instances as any Go program does, with etcd's own resolver for grpc-go, and calls one
// when asked to: proof that the registry is readable by others than us.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"sort"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	etcdresolver "go.etcd.io/etcd/client/v3/naming/resolver"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"
)

var (
	etcd       = flag.String("etcd", "", "etcd's members, host:port, by comma")
	target     = flag.String("target", "etcd:////user/v1", "what to find")
	wait       = flag.Duration("wait", 10*time.Second, "how long to wait for the first answer")
	call       = flag.Bool("call", false, "call grpc.health.v1.Health/Check over mutual TLS as well")
	calls      = flag.Int("calls", 1, "how many calls, round robin")
	ca         = flag.String("ca", "", "PEM file of the roots to trust")
	cert       = flag.String("cert", "", "PEM file of our certificate")
	key        = flag.String("key", "", "PEM file of our key")
	serverName = flag.String("servername", "", "the DNS name the server's certificate must carry")
	service    = flag.String("service", "", "the service name in the health question, empty for the server")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), *wait)
	defer cancel()
	client, err := clientv3.New(clientv3.Config{Endpoints: strings.Split(*etcd, ","), DialTimeout: *wait})
	if err != nil {
		return fmt.Errorf("open etcd: %w", err)
	}
	defer client.Close()
	builder, err := etcdresolver.NewBuilder(client)
	if err != nil {
		return fmt.Errorf("make the resolver: %w", err)
	}
	addresses, err := find(ctx, builder)
	if err != nil {
		return fmt.Errorf("resolve %s: %w", *target, err)
	}
	for _, address := range addresses {
		fmt.Println(address)
	}
	if !*call {
		return nil
	}
	return check(ctx, builder)
}

// heard is the least of a grpc-go channel that a resolver needs: it keeps what it is told.
type heard struct {
	states chan resolver.State
}

func (h *heard) UpdateState(state resolver.State) error {
	select {
	case h.states <- state:
	default:
	}
	return nil
}

func (h *heard) ReportError(err error) { fmt.Fprintln(os.Stderr, "resolver:", err) }

func (h *heard) NewAddress([]resolver.Address) {}

func (h *heard) ParseServiceConfig(string) *serviceconfig.ParseResult {
	return &serviceconfig.ParseResult{Err: errors.New("none here")}
}

// find returns the addresses of the first state that holds one, sorted.
func find(ctx context.Context, builder resolver.Builder) ([]string, error) {
	// What grpc-go makes of a target before it asks the resolver.
	address, err := url.Parse(*target)
	if err != nil {
		return nil, err
	}
	channel := &heard{states: make(chan resolver.State, 64)}
	running, err := builder.Build(resolver.Target{URL: *address}, channel, resolver.BuildOptions{})
	if err != nil {
		return nil, err
	}
	defer running.Close()
	for {
		select {
		case state := <-channel.states:
			var found []string
			for _, endpoint := range state.Endpoints {
				for _, each := range endpoint.Addresses {
					found = append(found, each.Addr)
				}
			}
			if len(found) > 0 {
				sort.Strings(found)
				return found, nil
			}
		case <-ctx.Done():
			return nil, errors.New("no instance")
		}
	}
}

// check calls the health service through grpc-go's own channel, round robin over what the resolver finds.
func check(ctx context.Context, builder resolver.Builder) error {
	pem, err := os.ReadFile(*ca)
	if err != nil {
		return fmt.Errorf("read the roots: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("no certificate in %s", *ca)
	}
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		return fmt.Errorf("read our certificate: %w", err)
	}
	secure := credentials.NewTLS(&tls.Config{
		RootCAs:      roots,
		Certificates: []tls.Certificate{pair},
		ServerName:   *serverName,
		MinVersion:   tls.VersionTLS12,
	})
	connection, err := grpc.NewClient(*target,
		grpc.WithResolvers(builder),
		grpc.WithTransportCredentials(secure),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`))
	if err != nil {
		return fmt.Errorf("open a channel: %w", err)
	}
	defer connection.Close()
	health := grpc_health_v1.NewHealthClient(connection)
	for range *calls {
		answer, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: *service}, grpc.WaitForReady(true))
		if err != nil {
			return fmt.Errorf("call Health/Check: %w", err)
		}
		fmt.Println(answer.GetStatus())
	}
	return nil
}
