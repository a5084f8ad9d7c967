// Marks of the two designs of section 8, for the width and the results explorer.

// Wide-base stands on its base, wide-tip on its tip; the reader's own is a disc.
function marker(kind, x, y, r = 5) {
  if (kind === "own") return svg("circle", { cx: x, cy: y, r: r - 0.5, class: "dot" });
  const up = kind === "base" ? 1 : -1;
  return svg("path", { class: `marker ${kind}`, d: `M${x},${y - up * r}l${r},${up * 1.75 * r}h${-2 * r}z` });
}

// Move labels apart, keeping their order.
function spread(places, gap) {
  const order = places.map((_, i) => i).sort((i, j) => places[i] - places[j]);
  const moved = [...places];
  order.forEach((i, rank) => { if (rank) moved[i] = Math.max(moved[i], moved[order[rank - 1]] + gap); });
  return moved;
}
