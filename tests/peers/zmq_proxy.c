/* libzmq's zmq_proxy between an XSUB and an XPUB socket, as a program of its own, for benchmarks.
 *
 * cc -O2 -o zmq_proxy zmq_proxy.c -lzmq
 * zmq_proxy IO_THREADS         binds both on ports that the system chooses and prints one line: XSUB's endpoint, XPUB's endpoint
 * zmq_proxy IO_THREADS curve   the same with CURVE, for whoever knows the server's public key, which stands behind them in Z85
 * zmq_proxy --version          prints libzmq's version
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* With a secret key the socket is CURVE's server; without a ZAP handler libzmq lets every client's key in. */
static void *bound(void *context, int type, const char *secret_key, char *endpoint, size_t room)
{
    void *socket = zmq_socket(context, type);
    int yes = 1;
    if (socket && secret_key
        && (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof yes)
            || zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, strlen(secret_key) + 1))) {
        fprintf(stderr, "zmq_proxy: %s\n", zmq_strerror(zmq_errno()));
        exit(1);
    }
    if (!socket || zmq_bind(socket, "tcp://127.0.0.1:*") || zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &room)) {
        fprintf(stderr, "zmq_proxy: %s\n", zmq_strerror(zmq_errno()));
        exit(1);
    }
    return socket;
}

int main(int argument_count, char **arguments)
{
    int with_curve = argument_count == 3 && strcmp(arguments[2], "curve") == 0;
    if (argument_count != 2 && !with_curve) {
        fprintf(stderr, "usage: zmq_proxy IO_THREADS [curve] | --version\n");
        return 2;
    }
    if (strcmp(arguments[1], "--version") == 0) {
        int major, minor, patch;
        zmq_version(&major, &minor, &patch);
        printf("%d.%d.%d\n", major, minor, patch);
        return 0;
    }

    void *context = zmq_ctx_new();
    if (!context || zmq_ctx_set(context, ZMQ_IO_THREADS, atoi(arguments[1]))) {
        fprintf(stderr, "zmq_proxy: %s\n", zmq_strerror(zmq_errno()));
        return 1;
    }
    char public_key[41] = "", secret_key[41];
    if (with_curve && zmq_curve_keypair(public_key, secret_key)) {
        fprintf(stderr, "zmq_proxy: %s\n", zmq_strerror(zmq_errno()));
        return 1;
    }
    const char *secret = with_curve ? secret_key : NULL;
    char xsub_endpoint[256], xpub_endpoint[256];
    void *xsub = bound(context, ZMQ_XSUB, secret, xsub_endpoint, sizeof xsub_endpoint);
    void *xpub = bound(context, ZMQ_XPUB, secret, xpub_endpoint, sizeof xpub_endpoint);
    printf("%s %s%s%s\n", xsub_endpoint, xpub_endpoint, with_curve ? " " : "", public_key);
    fflush(stdout);

    zmq_proxy(xsub, xpub, NULL);
    fprintf(stderr, "zmq_proxy: %s\n", zmq_strerror(zmq_errno()));
    return 1;
}
