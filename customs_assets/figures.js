"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const { fontFamily: family } = getComputedStyle(document.body);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const palettes = {
    light: { ink: "#1d2228", line: "#d5dbe1", source: "#0072B2", synthetic: "#D55E00" },
    dark: { ink: "#e6e9ed", line: "#38414b", source: "#56B4E9", synthetic: "#E69F00" },
  };
  const draw = (palette) => {
    for (const box of document.querySelectorAll("[data-figure]")) {
      const figure = structuredClone(figures[box.dataset.figure]);
      for (const trace of figure.data) {
        const colour = palette[trace.meta];
        if (colour && trace.type === "bar") trace.marker = { ...trace.marker, color: colour };
        if (colour && trace.type === "scatter") trace.line = { ...trace.line, color: colour };
      }
      for (const axis of ["xaxis", "yaxis"]) {
        figure.layout[axis] = { gridcolor: palette.line, zerolinecolor: palette.line, ...figure.layout[axis] };
      }
      const layout = {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: palette.ink, size: 12, family },
        margin: { l: 48, r: 12, t: 24, b: 48 }, ...figure.layout,
      };
      Plotly.react(box, figure.data, layout, { responsive: true, displaylogo: false, displayModeBar: false });
    }
  };
  const screen = () => draw(palettes[dark.matches ? "dark" : "light"]);
  dark.addEventListener("change", screen);
  window.addEventListener("beforeprint", () => draw(palettes.light));
  window.addEventListener("afterprint", screen);
  screen();
})();
