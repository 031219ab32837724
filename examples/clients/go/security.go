package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// securityOptions says how the connection is secured and who asks, by the variables of logah's command line: LOGAH_TLS,
// LOGAH_CA, LOGAH_CERT, LOGAH_KEY and LOGAH_TOKEN_FILE.
func securityOptions(server string) ([]grpc.DialOption, error) {
	config, err := tlsConfig()
	if err != nil {
		return nil, err
	}
	// Newer releases of gRPC prefer WithTransportCredentials(insecure.NewCredentials()).
	options := []grpc.DialOption{grpc.WithInsecure()}
	if config != nil {
		options[0] = grpc.WithTransportCredentials(credentials.NewTLS(config))
	}
	if path := os.Getenv("LOGAH_TOKEN_FILE"); path != "" {
		if config == nil && !isLoopback(server) {
			return nil, fmt.Errorf("the token is not sent to %s in plain text, which others could read: set LOGAH_TLS", server)
		}
		options = append(options, grpc.WithPerRPCCredentials(tokenFile(path)))
	}
	return options, nil
}

// tlsConfig is nil for plain text.
func tlsConfig() (*tls.Config, error) {
	choice, ca := os.Getenv("LOGAH_TLS"), os.Getenv("LOGAH_CA")
	cert, key := os.Getenv("LOGAH_CERT"), os.Getenv("LOGAH_KEY")
	files := ca != "" || cert != ""
	switch {
	case choice != "" && choice != "true" && choice != "false":
		return nil, fmt.Errorf("LOGAH_TLS is %q; it must be true or false", choice)
	case choice == "false" && files:
		return nil, errors.New("LOGAH_TLS is false; there must be neither LOGAH_CA nor LOGAH_CERT then")
	case (cert == "") != (key == ""):
		return nil, errors.New("LOGAH_CERT and LOGAH_KEY go together")
	case choice != "true" && !files:
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", ca)
		}
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// tokenFile is the path of a file with a token, which is read at every call, so that one that is replaced is noticed.
type tokenFile string

var tokenForm = regexp.MustCompile(`^[\x21-\x7e]+$`)

func (path tokenFile) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	content, err := os.ReadFile(string(path))
	if err != nil {
		return nil, err
	}
	token := strings.TrimSpace(string(content))
	if !tokenForm.MatchString(token) {
		// What is no token must not be shown either.
		return nil, fmt.Errorf("%s is empty or has characters that no token has", string(path))
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

// RequireTransportSecurity is false because securityOptions has seen to it.
func (tokenFile) RequireTransportSecurity() bool { return false }

// isLoopback says whether HOST:PORT is this machine beyond doubt.
func isLoopback(server string) bool {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
