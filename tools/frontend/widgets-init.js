// Runs between require.js and the widget manager: every module a widget asks for is
// looked up beside this script, so that the page needs no other host.
(function () {
  const here = document.currentScript.src.replace(/[^/]*$/, "");
  window.requirejs.config({ baseUrl: here, waitSeconds: 0 });
  // The widget manager reads its address of last resort off the script that carries this attribute.
  document.currentScript.setAttribute("data-jupyter-widgets-cdn", here);
  // It typesets through MathJax 2's queue; MathJax 3 has no such thing.
  window.MathJax = window.MathJax || {};
  window.MathJax.Hub = window.MathJax.Hub || {
    Queue: function () {},
    Config: function () {},
    Configured: function () {},
  };
})();
