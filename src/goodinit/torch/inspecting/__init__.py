"""What is wrong with a PyTorch module's initialization, where, and what mends it.

- ``functions``: what each of PyTorch's functions does to a signal, by name
- ``measuring``: what one call of a layer looks like
- ``flows``: on which ways a tensor came to be
- ``ways``: which calls a signal must pass on its way to the outputs
- ``sight``: what the tracer and a kind of layer know of each other
- ``layers``: how each kind of layer is seen
- ``attention``: what an attention does inside
- ``recurrent``: what a recurrent layer does inside
- ``sights``: the table of them
- ``nested``: the tensors in whatever a module takes or says
- ``costs``: what its outputs cost
- ``guessing``: what the best constant answer costs
- ``asking``: what a module is asked, however that comes
- ``tracing``: which layers are called, in which order, on which ways
- ``passage``: what one pass has shown, and a finding about it
- ``answers``: the first outputs beside the best constant answer
- ``beginning``: inputs, targets and loss that don't fit, and a first cost far above guessing
- ``idle``: parameters that no gradient reaches, and what would wake them
- ``lags``: what many steps in time do to a gradient
- ``depth``: what the depth does to a signal and its gradient
- ``findings``: what is wrong with a layer
- ``remedies``: the lines of code that may mend it
- ``cures``: which of them does
- ``telling``: how a report is told
- ``report``: the report: a table and its findings
- ``pictures``: the layers as a picture
- ``inspecting``: ``inspect``
"""
