// Texts whose contrast is below WCAG AA, and how much text there was. Run as the body of a function.
// Colours are resolved by painting them, so that any notation does.
const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgba = (colour) => {
  paint.clearRect(0, 0, 1, 1);
  paint.fillStyle = colour;
  paint.fillRect(0, 0, 1, 1);
  return [...paint.getImageData(0, 0, 1, 1).data];
};
const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
const ratio = (a, b) => {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
};
// the wash behind a film's first lines, in its colours
const probe = document.createElement("i");
document.body.append(probe);
const wash = !document.querySelector(".film-title") ? [] : [0, 1, 2].map((i) => {
  probe.style.color = `oklch(from var(--strip-${i}) var(--wash))`;
  return rgba(getComputedStyle(probe).color);
});
probe.remove();
const grounds = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = rgba(getComputedStyle(e).backgroundColor);
    if (colour[3] > 200) return [colour];
    if (e.matches(".film-top")) return [...wash, rgba(getComputedStyle(document.documentElement).backgroundColor)];
  }
  return [[255, 255, 255]];
};
const poor = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const e = node.parentElement;
  if (!node.textContent.trim() || !e.checkVisibility() || e.closest(".hidden, .skip, noscript")) continue;
  const style = getComputedStyle(e);
  const size = parseFloat(style.fontSize);
  const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
  for (const ground of grounds(e)) {
    const got = ratio(rgba(style.color), ground);
    if (got < needed) poor.push(`${got.toFixed(2)} ${e.className || e.tagName}: ${node.textContent.trim().slice(0, 40)}`);
  }
}
return [poor, document.body.innerText.length];
