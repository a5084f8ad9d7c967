// The minimal cut of a ConvAC's tree, exactly (the same recursion as convac_lib/cuts.py).
//
// A network is { sites, window, localDim, channels } and a partition an array of booleans,
// true = in A. All legs of one copy (delta) tensor count once. cost[s] is the least
// weight of cutting a sub-tree whose upper leg lies on side s (0 = A, 1 = B):
//   leaf   1 on its own side, M on the other
//   delta  min(product of the children's cost[s],  r_l * product of their cheaper costs)

// counts is [leaves cut, deltas of layer 0 cut, ..., deltas of the last layer cut].
function minimalCut({ window, localDim, channels }, inA) {
  const one = 1n;
  let below = inA.map((a) => (a ? [one, BigInt(localDim)] : [BigInt(localDim), one]));
  const levels = [below];
  for (const width of channels) {
    below = merge(below, window, BigInt(width));
    levels.push(below);
  }
  const top = below[0];
  const cut = traceBack(levels, window, channels, Number(top[1] < top[0]));
  const leaves = inA.filter((a, j) => cut.sides[0][j] !== Number(!a)).length;
  const deltas = cut.severed.map((row) => row.filter(Boolean).length);
  return { weight: least(top), counts: [leaves, ...deltas], ...cut };
}

function merge(children, window, width) {
  return Array.from({ length: children.length / window }, (_, k) => {
    const kept = [1n, 1n];
    let severed = width;
    for (const cost of children.slice(k * window, (k + 1) * window)) {
      kept[0] *= cost[0];
      kept[1] *= cost[1];
      severed *= least(cost);
    }
    return kept.map((whole) => (whole <= severed ? whole : severed));
  });
}

const least = (cost) => (cost[0] <= cost[1] ? cost[0] : cost[1]);

// Walk down from the root. sides[0][j] is the side of leaf j's matrix, sides[l+1][k] the
// side of delta k's upper leg in layer l; severed[l][k] says whether that delta is cut.
function traceBack(levels, window, channels, rootSide) {
  const sides = levels.map((level) => new Array(level.length));
  const severed = channels.map((_, l) => new Array(levels[l + 1].length).fill(false));
  sides[channels.length][0] = rootSide;
  for (let l = channels.length - 1; l >= 0; l--) {
    sides[l + 1].forEach((side, k) => {
      const children = levels[l].slice(k * window, (k + 1) * window);
      const kept = children.reduce((product, cost) => product * cost[side], 1n);
      severed[l][k] = kept > levels[l + 1][k][side];
      children.forEach((cost, c) => {
        sides[l][k * window + c] = severed[l][k] ? Number(cost[1] < cost[0]) : side;
      });
    });
  }
  return { sides, severed };
}

// Theorem 2: round every width down to a power of p; the minimal cut of that network is a
// lower bound for almost every choice of weights. The best p is kept, the smallest of equals.
function theorem2(network, inA) {
  const widest = Math.max(network.localDim, ...network.channels);
  let best = { bound: 1n, p: 2 };
  for (let p = 2; p <= widest; p++) {
    const { weight } = minimalCut({
      ...network,
      localDim: roundDown(network.localDim, p),
      channels: network.channels.map((width) => roundDown(width, p)),
    }, inA);
    if (weight > best.bound) best = { bound: weight, p };
  }
  return best;
}

function roundDown(width, p) {
  let power = 1;
  while (power * p <= width) power *= p;
  return power;
}

// Weights of the network in which no two places share a matrix, the dense layer included.
function parameterCount({ sites, window, localDim, channels }, outputs) {
  const widths = [localDim, ...channels];
  let total = outputs * widths.at(-1);
  channels.forEach((width, l) => { total += (sites / window ** l) * width * widths[l]; });
  return total;
}
