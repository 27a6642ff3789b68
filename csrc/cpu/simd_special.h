// Special functions of vectors of double: polynomials, loops over tables of coefficients. Relative
// errors are a few 2^-53 unless a comment says otherwise.
//
// The coefficients are interpolations at 64 Chebyshev nodes in 60 digits, cut off at 2^-57 and
// written in powers of the variable named; tools/minimax.py has the same in another norm.
#pragma once

#include "cpu/simd_math_full.h"

namespace tallow::cpu::TALLOW_ISA::math {

// ---- Modified Bessel functions, times exp(-|x|).

// Of |x| / 4 - 1 for |x| <= 8: I0e, and I1e / |x|.
inline constexpr double kI0Near[] = {
    0.2070019212239867,     -0.11300432688620536,    0.094515628539951029,   -0.089043441360777549,
    0.087343416175523125,   -0.084963380915417316,   0.079275225907163468,   -0.069541195631682344,
    0.05677703201991695,    -0.042985949295422206,   0.030177912022978356,   -0.019682655791721182,
    0.011960077907026221,   -0.0067923947909400503,  0.003617126448897043,   -0.0018119030567637056,
    0.00085631527482723059, -0.00038286526498299525, 0.00016240542162878107, -6.5568059644017909e-5,
    2.520232727107692e-5,   -9.1837425869362029e-6,  3.2293390826404928e-6,  -1.142045323881917e-6,
    3.6758429265554293e-7,  -8.5914064442646682e-8,  2.6265363151970111e-8,  -1.6316042856792756e-8,
    4.4705167275117403e-9};
inline constexpr double kI1Near[] = {
    0.044687709875608832,  -0.061124338029666283,  0.0680575999095116,     -0.068482606205826912,
    0.06376740371340721,   -0.055280039226991645,  0.044674572621254671,   -0.033671355521085364,
    0.023686016957729534,  -0.015571309243980052,  0.0095839621507315771,  -0.005534567847563678,
    0.0030057624197775294, -0.00153887456203039,   0.00074451234450611574, -0.00034117602890733312,
    0.0001484212433475852, -6.1423602990997941e-5, 2.4233753149624309e-5,  -9.1365439227890923e-6,
    3.2938991390037488e-6, -1.1327072698408054e-6, 3.7593673064041183e-7,  -1.2424759932738304e-7,
    3.802984785138283e-8,  -8.9844209604245884e-9, 2.6032065423311571e-9,  -1.4169507912107701e-9,
    3.7284532079392345e-10};
// Of 16 / |x| - 1 beyond: the same times sqrt(|x|).
inline constexpr double kI0Far[] = {
    0.40217650944500808,    0.0033605519836678616,  0.00013621607439193051, 1.1143033790932038e-5,
    1.4838475658279248e-6,  2.9735985885673924e-7,  8.8722197379040538e-8,  3.9325843345529518e-8,
    2.1548377974791597e-8,  7.5546918812488083e-9,  -6.747657956107524e-9,  -1.340891754008974e-8,
    -5.404771567579958e-9,  7.5525830621233848e-9,  7.4304646503254259e-9,  -3.5059665308793318e-9,
    -5.9535694382648908e-9, 1.5200816953924231e-9,  3.6379546359011145e-9,  -5.7158438642027086e-10,
    -1.6189806836246819e-9, 1.5279202694981568e-10, 4.5770876316436229e-10, -2.0260604287413627e-11,
    -6.0676315706030064e-11};
inline constexpr double kI1Far[] = {
    0.38939845902587233,     -0.0097495771932357362,  -0.00021923576383388928,
    -1.5038547200567217e-5,  -1.8349101326980947e-6,  -3.4838557610442947e-7,
    -1.0001288294864884e-7,  -4.3129177291783492e-8,  -2.3373928208142639e-8,
    -8.4277660937351841e-9,  6.734464815301592e-9,    1.4034238782067183e-8,
    5.9744376080402639e-9,   -7.6423941343635612e-9,  -7.8883515078620772e-9,
    3.4262341490077959e-9,   6.2427412197864452e-9,   -1.4387250533041014e-9,
    -3.7946708962083394e-9,  5.2956254411612611e-10,  1.6848984479705146e-9,
    -1.4011625179770627e-10, -4.7588188387038535e-10, 1.8515118828852957e-11,
    6.3059651971500567e-11};

template <int kOrder>
TALLOW_INLINE Doubles bessel_ie(Doubles x) {
  const Doubles a = abs(x);
  const Doubles t = smaller_or_first(a * 0.25 - 1, splat<Doubles>(1));
  const Doubles far = larger_or_first(a, splat<Doubles>(8));
  const Doubles u = 16 / far - 1;
  Doubles near = kOrder == 0 ? series(t, kI0Near) : a * series(t, kI1Near);
  if (any(8 < a)) {
    const Doubles tail = kOrder == 0 ? series(u, kI0Far) : series(u, kI1Far);
    near = 8 < a ? tail / sqrt(far) : near;
  }
  const Doubles value = x == x ? near : x;
  return kOrder == 0 ? value : copysign(value, x);
}
// The exponential comes in two halves, which overflow later than the whole.
template <int kOrder>
TALLOW_INLINE Doubles bessel_i(Doubles x) {
  const Doubles half = Full::exp(0.5 * abs(x));
  const Doubles value = bessel_ie<kOrder>(x) * half * half;
  const Doubles infinity = splat<Doubles>(__builtin_inf());
  const Doubles end = kOrder == 0 ? infinity : copysign(infinity, x);
  return abs(x) == infinity ? end : value;
}

// ---- Bessel functions; near their zeros the error is absolute.

// Of x^2 / 32 - 1 for |x| <= 8: J0, and J1 / x.
inline constexpr double kJ0Near[] = {
    0.04582966485981377,   0.93030124729585712,     -0.64846928308718364,   -0.80808880766968721,
    1.0383794611437211,    -0.50746804584710004,    0.14598884856759264,    -0.028472718610882046,
    0.0040580789891409909, -0.00044354592243115029, 3.8473197855944363e-5,  -2.717749223632098e-6,
    1.5956109104549217e-7, -7.9153230829520701e-9,  3.3634475788173604e-10, -1.243301171273326e-11,
    4.0037632815796752e-13};
inline constexpr double kJ1Near[] = {
    -0.05814382795599107,   0.081058660385897955,   0.15151665143806637,
    -0.25959486528593027,   0.15858376432721839,    -0.054745818212847219,
    0.012456814392263375,   -0.0020290394945705998, 0.00024949458135972608,
    -2.404574865968694e-5,  1.8684526037206012e-6,  -1.1967081867878012e-7,
    6.4311901772658356e-9,  -2.943013798001659e-10, 1.1658972367678622e-11,
    -4.0045728425886456e-13};
// Of 64 / x^2 beyond: P, and x Q, of the form sqrt(2 / (pi x)) (P cos(x - c) - Q sin(x - c)).
inline constexpr double kJ0Cosine[] = {1.0,
                                       -0.0010986328124987458,
                                       2.7380883620060992e-5,
                                       -2.1839178876551593e-6,
                                       3.6201997728057501e-7,
                                       -1.0230311671096992e-7,
                                       4.3422796913530695e-8,
                                       -2.4254959952447293e-8,
                                       1.4953925745972241e-8,
                                       -8.4245531125011994e-9,
                                       3.6629024015069137e-9,
                                       -1.0306604474712212e-9,
                                       1.3678396453154034e-10};
inline constexpr double kJ0Sine[] = {
    -0.12499999999999999,   0.0011444091796849237, -5.5446289303758168e-5, 6.5907525929613107e-6,
    -1.453123830093762e-6,  5.1286325955985901e-7, -2.6209968625940579e-7, 1.74322061386305e-7,
    -1.3038704802686791e-7, 9.3200081253144226e-8, -5.5210690608518622e-8, 2.3931890388356571e-8,
    -6.5431417868396041e-9, 8.3436290856504157e-10};
inline constexpr double kJ1Cosine[] = {1.0,
                                       0.0018310546874986735,
                                       -3.5203993242596553e-5,
                                       2.5809940810959866e-6,
                                       -4.1029092075410167e-7,
                                       1.1307956376985091e-7,
                                       -4.722297272919564e-8,
                                       2.6103445624454774e-8,
                                       -1.5993920591911708e-8,
                                       8.9791165783147275e-9,
                                       -3.8963577460319893e-9,
                                       1.0950749104743827e-9,
                                       -1.4522620914321922e-10};
inline constexpr double kJ1Sine[] = {
    0.37499999999999999,   -0.001602172851559787,  6.7767686956610469e-5, -7.6047150143929947e-6,
    1.6240840695887248e-6, -5.617335776528589e-7,  2.8316902412580495e-7, -1.8661313979927749e-7,
    1.387854757111491e-7,  -9.8874256967597799e-8, 5.8460012918413349e-8, -2.5311385663179643e-8,
    6.9153071909632342e-9, -8.8139493146448818e-10};

template <int kOrder>
TALLOW_INLINE Doubles bessel_j(Doubles x) {
  const Doubles a = abs(x);
  const Doubles near = smaller_or_first(a, splat<Doubles>(8));
  const Doubles t = near * near * 0.03125 - 1;
  Doubles value = kOrder == 0 ? series(t, kJ0Near) : near * series(t, kJ1Near);
  if (kOrder == 0) value = t == -1 ? splat<Doubles>(1) : value;
  if (any(8 < a)) {
    const Doubles far = larger_or_first(a, splat<Doubles>(8));
    const Doubles w = 64 / (far * far);
    const Doubles p = kOrder == 0 ? series(w, kJ0Cosine) : series(w, kJ1Cosine);
    const Doubles q = (kOrder == 0 ? series(w, kJ0Sine) : series(w, kJ1Sine)) / far;
    // With c = pi / 4 and 3 pi / 4; the roots of 2 cancel.
    const Doubles s = Full::sin(far), c = Full::cos(far);
    const Doubles even = kOrder == 0 ? c + s : s - c;
    const Doubles odd = kOrder == 0 ? s - c : -(s + c);
    const Doubles wave = (p * even - q * odd) / sqrt(kPi * far);
    const Doubles end = a == __builtin_inf() ? Doubles{} : wave;
    value = 8 < a ? end : value;
  }
  value = x == x ? value : x;
  const Doubles sign = kOrder == 0 ? splat<Doubles>(1) : copysign(splat<Doubles>(1), x);
  return sign * value;
}

// ---- Inverses of the error function and of the normal distribution.

// erfinv(x) / x: of w / 2.5 - 1 with w = -log(1 - x^2) up to 5, and of sqrt(w) in [2.2, 3.7] and
// [3.7, 6.1], both mapped to [-1, 1].
inline constexpr double kErfinvMiddle[] = {
    1.5014093511107919,      0.6166006918604175,      -0.026108235777397545,
    -0.019573561059547236,   0.0085254009509357096,   -0.0004878983983282142,
    -0.00083413564362745271, 0.00029219068516379791,  2.0472417318135178e-5,
    -4.1432071610875689e-5,  8.6527243089922968e-6,   2.8516533407504124e-6,
    -1.8538776245567707e-6,  1.358328533200264e-7,    1.9955253577447374e-7,
    -7.0897121614690477e-8,  -6.7239479321399456e-9,  1.1039320695967967e-8,
    -1.9762731377249386e-9,  -9.7553371891364662e-10, 4.4154081401624546e-10,
    3.8581611267841119e-11,  -3.8266700213012686e-11};
inline constexpr double kErfinvOuter[] = {
    2.7829176408421284,     0.75050282951283989,     0.0060086019510460134,
    -0.003743528311523567,  0.002098102625346499,    -0.00095149335654344976,
    0.00026942702615251548, -2.2035132500987276e-6,  -3.8072117394074758e-5,
    1.6892046588175309e-5,  -1.692819452499119e-6,   -1.5669526204697042e-6,
    8.0150964585502641e-7,  -1.0032119789374986e-7,  -5.9371133677346879e-8,
    3.3020684370569343e-8,  -5.149953968588517e-9,   -1.9507547438349443e-9,
    1.3485582165538926e-9,  -2.2435002047798941e-10, -8.9248215353043249e-11,
    3.6183921761284997e-11};
inline constexpr double kErfinvTail[] = {
    4.7488751905600391,      1.2123857324687099,     -0.00010000331101338383,
    -0.00042766365159029916, 0.000179473237382395,   -5.628504525064649e-5,
    1.5800837039619892e-5,   -4.3164649790365894e-6, 1.3152126078757102e-6,
    -5.5190741400709826e-7,  3.2235274223575244e-7,  -2.0716316422782143e-7,
    1.2317293227511468e-7,   -6.2326663039431607e-8, 2.4825402217918039e-8,
    -6.6969653003045615e-9,  4.0724411787763127e-10, 1.0663489322850807e-9,
    -9.8592911692780487e-10, 3.5698150846238678e-10, 3.093145177002021e-11,
    -3.8386214367645521e-11};

TALLOW_INLINE Doubles erfinv(Doubles x) {
  const Doubles w = -Full::log((1 - x) * (1 + x));
  Doubles ratio = series(w * 0.4 - 1, kErfinvMiddle);
  if (any(5 < w)) {
    const Doubles s = sqrt(w);
    const Doubles outer = series((s - 2.95) * (1 / 0.75), kErfinvOuter);
    const Doubles tail = series((s - 4.9) * (1 / 1.2), kErfinvTail);
    ratio = 5 < w ? (3.7 < s ? tail : outer) : ratio;
  }
  const Doubles a = abs(x);
  const Doubles end = a == 1 ? copysign(splat<Doubles>(__builtin_inf()), x) : x * ratio;
  return a <= 1 ? end : splat<Doubles>(__builtin_nan(""));
}

// The number a standard normal one is below with probability p. In the middle a function of
// z = (p - 1/2)^2, outside of 1 / r with r = sqrt(-2 log p): r - log(r) / r - h / r.
inline constexpr double kNdtriMiddle[] = {
    2.7143324341949367,     0.24700295298591487,    0.04874364561874393,    0.011987931679869318,
    0.0032745208180309736,  0.00095105125503575015, 0.00028756242340006931, 8.9451947341399289e-5,
    2.8419025180490851e-5,  9.1770197414859085e-6,  3.0020105909475333e-6,  9.9243784955124625e-7,
    3.3109816437131938e-7,  1.1125565563658388e-7,  3.7386693967281287e-8,  1.2685945788599807e-8,
    4.6061080877951823e-9,  1.5981601769069956e-9,  3.4663517554141399e-10, 1.1157766235757556e-10,
    1.2435712697722122e-10, 4.4749696795931858e-11};
inline constexpr double kNdtriOuter[] = {
    1.0334667518700494,      0.072812479369965592,   -0.0024406346167507052,
    -0.00017135217902496641, 0.00025195620684438817, -0.00016373687752483673,
    8.6031312798628686e-5,   -4.0482728634864095e-5, 1.8059223847366689e-5,
    -7.9452462370154295e-6,  3.5401253556707337e-6,  -1.6188769043962248e-6,
    7.6207899398366614e-7,   -3.7052320950765571e-7, 1.831143645465183e-7,
    -8.4188999266096145e-8,  4.0544085455855749e-8,  -3.3668511066773328e-8,
    1.9779538995628842e-8,   6.6122403313805573e-9,  -5.8004896648171705e-9,
    -1.169687346675549e-8,   7.5750672262862336e-9,  4.3712180767798883e-9,
    -2.8200978996821034e-9,  -1.2854087364083779e-9, 7.6685092711819506e-10};
inline constexpr double kNdtriTail[] = {
    0.93970020240641374,    0.018417889159071556,   0.0012379807655819263, -0.00052779766661717296,
    0.00017624160772164179, -6.126675420873206e-5,  2.3365673946009571e-5, -9.7106628371173586e-6,
    4.3118588338192216e-6,  -2.0139761388388031e-6, 9.7871585834334067e-7, -4.8900949348768901e-7,
    2.5072977596797145e-7,  -1.3914869493142152e-7, 7.7487646899104192e-8, -2.2848843912114769e-8,
    6.739512883517191e-9,   -3.9570024608666868e-8, 3.0381105411273723e-8, 2.8764331194342555e-8,
    -2.3982068223236649e-8, -2.6485828978631342e-8, 1.9887701701685779e-8, 1.1315881118144741e-8,
    -8.2208905820892107e-9, -2.7868953386562916e-9, 1.8975221410994621e-9};

TALLOW_INLINE Doubles ndtri(Doubles p) {
  const Doubles y = p - 0.5;
  const Doubles z = y * y;
  Doubles value = y * series(z * (1 / 0.067) - 1, kNdtriMiddle);
  const auto outside = 0.134 < z;
  if (any(outside)) {
    const Doubles small = 0 < y ? 1 - p : p;
    const Doubles r = sqrt(-2 * Full::log(small));
    const Doubles inverse = 1 / r;
    const Doubles outer = series((inverse - 0.3125) * (1 / 0.1875), kNdtriOuter);
    const Doubles tail = series((inverse - 0.075) * 20, kNdtriTail);
    const Doubles h = 8 < r ? tail : outer;
    const Doubles size = r - (Full::log(r) + h) * inverse;
    const Doubles end = small == 0 ? splat<Doubles>(__builtin_inf()) : size;
    value = outside ? copysign(end, y) : value;
  }
  return (0 <= p) & (p <= 1) ? value : splat<Doubles>(__builtin_nan(""));
}

// ---- exp(x^2) erfc(x)

TALLOW_INLINE Doubles erfcx(Doubles x) {
  const Doubles a = smaller_or_first(abs(x), splat<Doubles>(8e307));
  const Doubles right = erfcx_right(a);
  Doubles value = x == __builtin_inf() ? Doubles{} : right;
  value = x == 0 ? splat<Doubles>(1) : value;
  if (any(x < 0)) {
    // What rounding the square loses counts as much as the square itself; at 27 all is infinite.
    const Doubles near = smaller_or_first(a, splat<Doubles>(27));
    const Doubles square = near * near;
    const Doubles power = Full::exp(square);
    const Doubles exact = mul_add(power, fma(near, near, -square), power);
    value = x < 0 ? 2 * (power == __builtin_inf() ? power : exact) - right : value;
  }
  return x == x ? value : x;
}

// ---- Gamma function.

// Stirling's series in 1 / z^2: B(2k) / (2k (2k - 1)) and B(2k) / (2k). Source: DLMF 5.11.
inline constexpr double kStirling[] = {1. / 12,   -1. / 360,      1. / 1260, -1. / 1680,
                                       1. / 1188, -691. / 360360, 1. / 156,  -3617. / 122400};
inline constexpr double kDigammaTail[] = {1. / 12,  -1. / 120,     1. / 252, -1. / 240,
                                          1. / 132, -691. / 32760, 1. / 12,  -3617. / 8160};
inline constexpr int kLarge = 10;  // from here on they are exact to the last bits

// log gamma(2 + d) / d of d for |d| <= 1/2.
inline constexpr double kLgammaAtTwo[] = {
    0.42278433509846714,     0.32246703342411324,   -0.06735230105319561,   0.020580808427780335,
    -0.0073855510289379741,  0.0028905103310367721, -0.0011927539009204019, 0.00050966951534843731,
    -0.00022315497868931945, 9.9457674400967638e-5, -4.4923717083746595e-5, 2.0505584372896931e-5,
    -9.4563381206101225e-6,  4.3847319318293745e-6, -1.9741884532905585e-6, 9.1998980756713947e-7,
    -5.8125012505992611e-7,  2.7880013392491845e-7};

// For x >= 1/2.
TALLOW_INLINE Doubles lgamma_right(Doubles x) {
  const auto low = x < 1.5;
  const auto middle = x <= 2.5;
  const Doubles y = low ? x + 1 : x;
  const Doubles d = (middle ? y : splat<Doubles>(2)) - 2;
  const Doubles near = d * series(d, kLgammaAtTwo);
  // Others: moved to the right by the recurrence gamma(x + 1) = x gamma(x).
  const auto small = x < kLarge;
  Doubles product = splat<Doubles>(1);
  for (int k = 0; k < kLarge; ++k) product *= small ? x + k : splat<Doubles>(1);
  const Doubles z = small ? x + kLarge : x;
  const Doubles inverse = 1 / z;
  const Doubles tail = series(inverse * inverse, kStirling) * inverse;
  // (z - 1/2) log z - z as one difference, so that infinity stays infinity.
  const Doubles far = (z - 0.5) * (Full::log(z) - 1) + (tail + 0.418938533204672741780);
  const Doubles shift = Full::log(low ? x : product);
  return middle ? (low ? near - shift : near) : (small ? far - shift : far);
}
// The distance to the nearest integer, which is exact.
TALLOW_INLINE Doubles from_integer(Doubles x) { return x - round_even(x); }

TALLOW_INLINE Doubles lgamma(Doubles x) {
  const auto left = x < 0.5;
  Doubles value = lgamma_right(left ? 1 - x : x);
  if (any(left)) {  // Euler's reflection
    const Doubles sine = Full::sin(kPi * abs(from_integer(x)));
    value = left ? 1.14472988584940017414 - Full::log(sine) - value : value;
  }
  return abs(x) == __builtin_inf() ? abs(x) : value;
}

// For x >= 1/2. The recurrence's sum of 1 / (x + k) is one fraction.
TALLOW_INLINE Doubles digamma_right(Doubles x) {
  const auto small = x < kLarge;
  const Doubles from = small ? x : splat<Doubles>(1);
  Doubles above = splat<Doubles>(1), below = from;
  for (int k = 1; k < kLarge; ++k) {
    above = mul_add(above, from + k, below);
    below *= from + k;
  }
  const Doubles z = small ? x + kLarge : x;
  const Doubles inverse = 1 / z;
  const Doubles square = inverse * inverse;
  const Doubles far = Full::log(z) - mul_add(square, series(square, kDigammaTail), 0.5 * inverse);
  return small ? far - above / below : far;
}
TALLOW_INLINE Doubles digamma(Doubles x) {
  const auto left = x < 0.5;
  Doubles value = digamma_right(left ? 1 - x : x);
  if (any(left)) {
    const Doubles angle = kPi * from_integer(x);
    const Doubles reflected = value - kPi * Full::cos(angle) / Full::sin(angle);
    const Doubles at_pole = floor(x) == x ? splat<Doubles>(__builtin_nan("")) : reflected;
    const Doubles infinite = copysign(splat<Doubles>(__builtin_inf()), -x);
    value = left ? (x == 0 ? infinite : at_pole) : value;
  }
  return value;
}

}  // namespace tallow::cpu::TALLOW_ISA::math
