// The minimal cut of a ConvAC's tree, exactly (the same recursion as convac_lib/cuts.py).
//
// A network is { sites, window, localDim, channels } and a partition an array of booleans,
// true = in A. All legs of one copy (delta) tensor count once. cost[s] is the least
// weight of cutting a sub-tree whose upper leg lies on side s (0 = A, 1 = B):
//   leaf   1 on its own side, M on the other
//   delta  min(product of the children's cost[s],  r_l * product of their cheaper costs)

// A branch is { cost, severed, likes }: severed[s] says whether its delta is cut to reach
// cost[s], and likes is its cheaper side; of two that cost the same the one where the delta
// is whole, and then A.

function minimalCut({ window, localDim, channels }, inA) {
  const levels = [inA.map((a) => leaf(a, BigInt(localDim)))];
  for (const width of channels) levels.push(merge(levels.at(-1), window, BigInt(width)));
  const { sides, severed } = descend(levels, window);
  const leaves = inA.filter((a, j) => sides[0][j] !== Number(!a)).length;
  // [leaves cut, deltas of layer 0 cut, ..., deltas of the last layer cut]
  const counts = [leaves, ...severed.map((row) => row.filter(Boolean).length)];
  return { weight: least(levels.at(-1)[0]), counts, sides, severed };
}

const leaf = (a, dimension) => ({
  cost: a ? [1n, dimension] : [dimension, 1n], severed: [false, false], likes: Number(!a),
});

const least = ({ cost, likes }) => cost[likes];

function merge(branches, window, width) {
  return Array.from({ length: branches.length / window }, (_, k) => {
    const kept = [1n, 1n];
    let parted = width;
    for (const branch of branches.slice(k * window, (k + 1) * window)) {
      kept[0] *= branch.cost[0];
      kept[1] *= branch.cost[1];
      parted *= least(branch);
    }
    const severed = kept.map((whole) => whole > parted);
    const cost = kept.map((whole, side) => (severed[side] ? parted : whole));
    const likesB = cost[0] === cost[1] ? severed[0] && !severed[1] : cost[1] < cost[0];
    return { cost, severed, likes: Number(likesB) };
  });
}

// From the root to the leaves: sides[0][j] is the side of leaf j's matrix, sides[l+1][k] the
// side of delta k's upper leg in layer l; severed[l][k] says whether that delta is cut.
function descend(levels, window) {
  const sides = levels.map((level) => level.map(({ likes }) => likes));
  const severed = levels.slice(1).map((level) => new Array(level.length).fill(false));
  for (let l = severed.length - 1; l >= 0; l--) {
    sides[l + 1].forEach((side, k) => {
      severed[l][k] = levels[l + 1][k].severed[side];
      if (!severed[l][k]) sides[l].fill(side, k * window, (k + 1) * window);
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
