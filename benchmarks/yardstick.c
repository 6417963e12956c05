/* A plain C loop that trains 2-10-5-1 networks, and the processor's peak: what ours is held against.

   One network after another, the examples innermost, so that the compiler vectorises every loop over
   them. The exponential is written out, because a call of the library's would prevent that. */
#include <stdint.h>
#include <string.h>

enum { FEATURES = 2, FIRST = 10, SECOND = 5, PARAMETERS = 91, EXAMPLES = 1024, LANES = 16 };

static inline double exponential(double x) {
    x = x < -708 ? -708 : x > 708 ? 708 : x;
    const double rounder = 6755399441055744.0;
    double shifted = x * 1.4426950408889634 + rounder, k = shifted - rounder;
    double r = x - k * 6.93147180369123816490e-01 - k * 1.90821492927058770002e-10, sum = 1.0, scale;
    for (int i = 13; i > 0; i--) sum = 1.0 + sum * r / i;
    int64_t bits;
    memcpy(&bits, &shifted, 8);
    bits = (bits + 1023) << 52;
    memcpy(&scale, &bits, 8);
    return sum * scale;
}

static inline double inner(const double *a, const double *b, int n) {
    double lanes[LANES] = {0};
    int e = 0;
    for (; e + LANES <= n; e += LANES)
        for (int l = 0; l < LANES; l++) lanes[l] += a[e + l] * b[e + l];
    for (; e < n; e++) lanes[0] += a[e] * b[e];
    for (int l = 1; l < LANES; l++) lanes[0] += lanes[l];
    return lanes[0];
}

static void step(double *W, double *b, double *d, double *x, const double *ones, int fan_out,
                 int fan_in, int n, double rate) {
    for (int i = 0; i < fan_out; i++) {
        for (int j = 0; j < fan_in; j++)
            W[fan_in * i + j] -= rate * inner(d + i * EXAMPLES, x + j * EXAMPLES, n);
        b[i] -= rate * inner(d + i * EXAMPLES, ones, n);
    }
}

/* Gradient descent of `networks` networks on n examples, X (features, EXAMPLES) and y (n). */
void train(double *all, int networks, double *X, const double *y, int n, double rate, int iterations) {
    static _Thread_local double h[FIRST * EXAMPLES], g[SECOND * EXAMPLES], d[EXAMPLES], ones[EXAMPLES];
    static _Thread_local double dg[SECOND * EXAMPLES], dh[FIRST * EXAMPLES];
    for (int e = 0; e < n; e++) ones[e] = 1;
    for (int k = 0; k < networks; k++) {
        double *W1 = all + k * PARAMETERS, *b1 = W1 + FIRST * FEATURES, *W2 = b1 + FIRST;
        double *b2 = W2 + SECOND * FIRST, *W3 = b2 + SECOND, *b3 = W3 + SECOND;
        for (int iteration = 0; iteration < iterations; iteration++) {
            for (int i = 0; i < FIRST; i++)
                for (int e = 0; e < n; e++) {
                    double z = b1[i] + W1[2 * i] * X[e] + W1[2 * i + 1] * X[EXAMPLES + e];
                    h[i * EXAMPLES + e] = z > 0 ? z : 0;
                }
            for (int i = 0; i < SECOND; i++)
                for (int e = 0; e < n; e++) {
                    double z = b2[i];
                    for (int j = 0; j < FIRST; j++) z += W2[FIRST * i + j] * h[j * EXAMPLES + e];
                    g[i * EXAMPLES + e] = z > 0 ? z : 0;
                }
            for (int e = 0; e < n; e++) {
                double z = b3[0];
                for (int j = 0; j < SECOND; j++) z += W3[j] * g[j * EXAMPLES + e];
                d[e] = (1 / (1 + exponential(-z)) - y[e]) / n;
            }
            for (int i = 0; i < SECOND; i++)
                for (int e = 0; e < n; e++)
                    dg[i * EXAMPLES + e] = g[i * EXAMPLES + e] > 0 ? W3[i] * d[e] : 0;
            for (int j = 0; j < FIRST; j++)
                for (int e = 0; e < n; e++) {
                    double s = 0;
                    for (int i = 0; i < SECOND; i++) s += W2[FIRST * i + j] * dg[i * EXAMPLES + e];
                    dh[j * EXAMPLES + e] = h[j * EXAMPLES + e] > 0 ? s : 0;
                }
            step(W3, b3, d, g, ones, 1, SECOND, n, rate);
            step(W2, b2, dg, h, ones, SECOND, FIRST, n, rate);
            step(W1, b1, dh, X, ones, FIRST, FEATURES, n, rate);
        }
    }
}

typedef double vector __attribute__((vector_size(64)));

/* Multiply and add `turns` times 12 vectors of 8; 16 operations each. */
double multiply_add(long turns) {
    /* Each starts elsewhere, or the compiler would see that they stay equal. */
    vector a0 = {0}, a1 = a0 + 1, a2 = a0 + 2, a3 = a0 + 3, a4 = a0 + 4, a5 = a0 + 5, a6 = a0 + 6;
    vector a7 = a0 + 7, a8 = a0 + 8, a9 = a0 + 9, a10 = a0 + 10, a11 = a0 + 11, b = a0 + 0.999;
    vector c = a0 + 0.001;
    for (long turn = 0; turn < turns; turn++) {
        a0 = a0 * b + c, a1 = a1 * b + c, a2 = a2 * b + c, a3 = a3 * b + c, a4 = a4 * b + c;
        a5 = a5 * b + c, a6 = a6 * b + c, a7 = a7 * b + c, a8 = a8 * b + c, a9 = a9 * b + c;
        a10 = a10 * b + c, a11 = a11 * b + c;
    }
    vector sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
    return sum[0];
}
