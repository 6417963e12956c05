/* A plain C loop that trains 2-10-5-1 networks, and the processor's peak: what ours is held against.

   One network after another, a vector of its examples at a time. All that such a vector becomes on its
   way forwards and back stays in registers; the gradient is then summed in blocks of up to five by
   five weights, so that what is loaded serves several times. The exponential is written out, because a
   call of the library's would prevent vectors. */
#include <stdint.h>

enum { FEATURES = 2, FIRST = 10, SECOND = 5, PARAMETERS = 91, LANES = 8, VECTORS = 128 };
typedef double vector __attribute__((vector_size(8 * LANES)));
typedef int64_t integers __attribute__((vector_size(8 * LANES)));
#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("GCC unroll 16")

INLINE vector where(integers mask, vector a, vector b) {
    return (vector)((mask & (integers)a) | (~mask & (integers)b));
}

INLINE vector exponential(vector x) {
    const vector zero = {0};
    x = where(x < -708, zero - 708, where(x > 708, zero + 708, x));
    vector shifted = x * 1.4426950408889634 + 6755399441055744.0, k = shifted - 6755399441055744.0;
    vector r = x - k * 6.93147180369123816490e-01 - k * 1.90821492927058770002e-10;
    static const double series[] = {1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800,
                                    1. / 362880, 1. / 40320, 1. / 5040, 1. / 720,
                                    1. / 120, 1. / 24, 1. / 6, 1. / 2, 1, 1};
    vector sum = zero + series[0];
    UNROLLED for (int i = 1; i < 14; i++) sum = sum * r + series[i];
    return sum * (vector)(((integers)shifted + 1023) << 52);
}

/* z = W x + b, or of that what is above 0. */
INLINE void forward(vector *z, const double *W, const double *b, const vector *x, int units, int fan_in,
                    int cut) {
    const vector zero = {0};
    UNROLLED for (int i = 0; i < units; i++) z[i] = zero + b[i];
    UNROLLED for (int j = 0; j < fan_in; j++)
        UNROLLED for (int i = 0; i < units; i++) z[i] += W[fan_in * i + j] * x[j];
    if (cut) UNROLLED for (int i = 0; i < units; i++) z[i] = where(z[i] > 0, z[i], zero);
}

/* The deltas of the units below, whose values are x. */
INLINE void backward(vector *below, const double *W, const vector *deltas, const vector *x, int units,
                     int fan_in) {
    const vector zero = {0};
    UNROLLED for (int j = 0; j < fan_in; j++) below[j] = zero;
    UNROLLED for (int i = 0; i < units; i++)
        UNROLLED for (int j = 0; j < fan_in; j++) below[j] += W[fan_in * i + j] * deltas[i];
    UNROLLED for (int j = 0; j < fan_in; j++) below[j] = where(x[j] > 0, below[j], zero);
}

INLINE double total(vector v) {
    double sum = 0;
    UNROLLED for (int l = 0; l < LANES; l++) sum += v[l];
    return sum;
}

/* A step of gradient descent on a block of `units` by `inputs` weights, and on biases if asked. */
INLINE void step(double *W, double *b, const vector *deltas, const vector *x, int units, int inputs,
                 int fan_out, int fan_in, int count, int biased, double rate) {
    vector sums[units][inputs], sum[units];
    UNROLLED for (int i = 0; i < units; i++) {
        sum[i] = (vector){0};
        UNROLLED for (int j = 0; j < inputs; j++) sums[i][j] = (vector){0};
    }
    for (int v = 0; v < count; v++)
        UNROLLED for (int i = 0; i < units; i++) {
            if (biased) sum[i] += deltas[fan_out * v + i];
            UNROLLED for (int j = 0; j < inputs; j++)
                sums[i][j] += deltas[fan_out * v + i] * x[fan_in * v + j];
        }
    UNROLLED for (int i = 0; i < units; i++) {
        if (biased) b[i] -= rate * total(sum[i]);
        UNROLLED for (int j = 0; j < inputs; j++) W[fan_in * i + j] -= rate * total(sums[i][j]);
    }
}

/* Gradient descent of `networks` networks on n examples, at most LANES x VECTORS. */
void train(double *all, int networks, const double *X, const double *y, int n, double rate,
           int iterations) {
    static _Thread_local vector x[VECTORS][FEATURES], h[VECTORS][FIRST], g[VECTORS][SECOND], d[VECTORS];
    static _Thread_local vector dg[VECTORS][SECOND], dh[VECTORS][FIRST], said[VECTORS], scale[VECTORS];
    int count = (n + LANES - 1) / LANES;
    for (int e = 0; e < count * LANES; e++) { /* the last vector's other lanes count for nothing */
        int v = e / LANES, l = e % LANES;
        for (int j = 0; j < FEATURES; j++) x[v][j][l] = e < n ? X[j * n + e] : 0;
        said[v][l] = e < n ? y[e] : 0;
        scale[v][l] = e < n ? 1.0 / n : 0;
    }
    for (int k = 0; k < networks; k++) {
        double *W1 = all + k * PARAMETERS, *b1 = W1 + FIRST * FEATURES, *W2 = b1 + FIRST;
        double *b2 = W2 + SECOND * FIRST, *W3 = b2 + SECOND, *b3 = W3 + SECOND;
        for (int iteration = 0; iteration < iterations; iteration++) {
            for (int v = 0; v < count; v++) {
                vector z;
                forward(h[v], W1, b1, x[v], FIRST, FEATURES, 1);
                forward(g[v], W2, b2, h[v], SECOND, FIRST, 1);
                forward(&z, W3, b3, g[v], 1, SECOND, 0);
                d[v] = (1 / (1 + exponential(-z)) - said[v]) * scale[v];
                backward(dg[v], W3, d + v, g[v], 1, SECOND);
                backward(dh[v], W2, dg[v], h[v], SECOND, FIRST);
            }
            step(W3, b3, d, g[0], 1, SECOND, 1, SECOND, count, 1, rate);
            step(W2, b2, dg[0], h[0], SECOND, 5, SECOND, FIRST, count, 1, rate);
            step(W2 + 5, b2, dg[0], h[0] + 5, SECOND, 5, SECOND, FIRST, count, 0, rate);
            step(W1, b1, dh[0], x[0], 5, FEATURES, FIRST, FEATURES, count, 1, rate);
            step(W1 + 5 * FEATURES, b1 + 5, dh[0] + 5, x[0], 5, FEATURES, FIRST, FEATURES, count, 1, rate);
        }
    }
}

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
